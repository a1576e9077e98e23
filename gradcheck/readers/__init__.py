"""One file = one log format; `roles` names the series, `frameworks` who wrote them."""
