"""The optimizers of a script in the order in which they were made, and their parameters."""

# mypy: allow-untyped-calls
from __future__ import annotations

import bisect
import itertools
import math
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from torch import Tensor, nn
from torch.optim.optimizer import Optimizer

from gradcheck.watch import tensors
from gradcheck.watch.dispatch import storage_of
from gradcheck.watch.followed import Followed, Step, Taken
from gradcheck.watch.names import Names, Registry

LEAST_STEPS = 20
"""Steps of an optimizer after which one of a model alike may be its successor."""
MOST_TAKEOVERS = 8
"""Optimizers after which a new one is a habit: one for each task, say."""


class Optimizers:
    """What is known of each optimizer; none of them is kept alive by it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._followed: weakref.WeakKeyDictionary[Optimizer, Followed] = weakref.WeakKeyDictionary()
        self._living: tuple[Followed, ...] = ()
        self._made: dict[int, weakref.ref[Optimizer]] = {}
        self._last: tuple[Callable[[], Optimizer | None], Followed | None] = (lambda: None, None)
        """The one that was asked for last, as nearly always."""
        self.made = 0
        """How many were seen, those that are gone included."""
        self.reached = 0
        """Steps of the optimizer that took most: one that is made later goes on from there."""
        self.together = 1
        """How many there were when the last step was over: ticks a step."""
        self.trails: dict[int, deque[Taken]] = {}
        """The steps of the optimizer at each place, also when it is gone."""
        self.loss_names: dict[str, int] = {}
        """The place of the optimizer whose loss is called so."""
        self.ticks = 0
        """Steps of all of them."""
        self.first_layers: tuple[float, ...] = ()
        """Gradient norms of the first optimizer's parameters at its first step."""
        self._history: deque[Step] = deque()
        self._begun = 0
        self._last_names: list[str] = []
        self._names: Names | None = None
        self._listed: dict[int, list[str]] = {}

    def __len__(self) -> int:
        return len(self._living)

    def __iter__(self) -> Iterator[Followed]:
        return iter(self._living)  # several times a step: a weak dictionary is slow to walk

    def trained(self) -> list[Tensor]:
        """The parameters that optimizers update."""
        return [p for _, followed in self.items() for p in followed.parameters]

    def untrained(self) -> list[Tensor]:
        """The parameters of models that no optimizer updates: copies of those that one does, say.

        Looked up when they are asked for: a replay may begin before they are made.
        """
        trained = {storage_of(parameter) for parameter in self.trained()}
        held = self.names.parameters().values()
        return [parameter for parameter in held if storage_of(parameter) not in trained]

    def items(self) -> Iterator[tuple[Optimizer, Followed]]:
        """Optimizers, and what is known of them."""
        return iter(self._followed.items())

    def get(self, owner: object) -> Followed | None:
        """What is known of an optimizer; None where it is none that was seen."""
        return self._followed.get(owner) if isinstance(owner, Optimizer) else None

    def follow(self, optimizer: Optimizer) -> Followed:
        """The same, known from now on."""
        reference, followed = self._last
        if followed is not None and reference() is optimizer and not followed.retired:
            return followed
        followed = self._find(optimizer)
        self._last = self._made[followed.serial], followed
        return followed

    def _find(self, optimizer: Optimizer) -> Followed:
        followed = self._followed.get(optimizer)
        if followed is None:
            held = [p for group in optimizer.param_groups for p in group["params"]]
            half = any(p.dtype in tensors.HALF for p in held)
            self._retire_for(held)
            followed = Followed(0, held, half, serial=self.made, steps=self.reached)
            self.made += 1
            self._followed[optimizer] = followed
            self._made[followed.serial] = weakref.ref(optimizer, self._forget(followed.serial))
            self._join(followed)
        elif followed.retired:
            self._join(followed)
        return followed

    def _join(self, followed: Followed) -> None:
        taken = {other.place for other in self}
        followed.retired = False
        followed.place = next(free for free in itertools.count() if free not in taken)
        self._listed.pop(followed.place, None)
        self._living = (*self._living, followed)
        self.trails[followed.place] = followed.trail
        if followed.place == 0:
            self._history = followed.history
            self._begun = followed.steps

    def _retire_for(self, held: Sequence[Tensor]) -> None:
        """Let a new optimizer take over from the only one that has made steps, of a model alike.

        The script may keep the old one alive, by its schedule say, and never use it again. If it
        does all the same, it comes back as another one.
        """
        stepped = [one for one in self if one.steps > one.begun_at]
        if len(stepped) != 1 or self.made > MOST_TAKEOVERS:
            return
        (old,) = stepped
        alike = [p.shape for p in old.parameters] == [p.shape for p in held]
        if alike and old.steps - old.begun_at >= LEAST_STEPS:
            old.retired = True
            self._living = tuple(one for one in self._living if one is not old)

    def _forget(self, serial: int) -> Callable[[object], None]:
        """What takes an optimizer that is gone out of the living; it keeps nothing alive."""
        here = weakref.ref(self)

        def forget(_gone: object) -> None:
            optimizers = here()
            if optimizers is not None:
                living = (one for one in optimizers._living if one.serial != serial)
                optimizers._living = tuple(living)
                optimizers._last = lambda: None, None

        return forget

    def of(self, followed: Followed) -> Optimizer | None:
        """The optimizer of which this is known."""
        reference = self._made.get(followed.serial)
        return None if reference is None else reference()

    def only(self) -> Followed | None:
        """The one optimizer, where there is no other."""
        return next(iter(self), None) if len(self) == 1 else None

    def owner(self, parameters: list[Tensor] | Tensor) -> Followed | None:
        """The optimizer that updates the first of these parameters, or the only one there is."""
        listed = [parameters] if isinstance(parameters, Tensor) else parameters
        first = id(listed[0]) if listed else 0
        for followed in self:
            if any(id(p) == first for p in followed.parameters):
                return followed
        return self.only()

    def cleared_by(self, owner: object) -> list[Followed]:
        """Those of which an optimizer, or a module, sets gradients to zero, if only some."""
        mine = self.get(owner)
        if mine is not None:
            return [mine]
        if len(self._living) == 1 or not isinstance(owner, nn.Module):
            return list(self)
        held = {id(p) for p in owner.parameters()}
        return [one for one in self if any(id(p) in held for p in one.parameters)]

    def any_gradient(self) -> bool:
        """Whether any parameter holds a gradient."""
        return any(p.grad is not None for followed in self for p in followed.parameters)

    def remember(self, followed: Followed, step: Step) -> None:
        """A step is over."""
        followed.history.append(step)
        if not followed.place and not self.first_layers:
            self.first_layers = step.layers
        followed.trail.append(Taken(step.step, step.loss, step.gradient, step.rate, self.ticks))
        followed.steps += 1
        self.ticks += 1
        self.together = len(self)
        self.reached = max(self.reached, followed.steps)

    @property
    def trail(self) -> deque[Taken]:
        """The steps of the first optimizer, also when it is gone."""
        return self.trails.get(0, deque())

    def tick_of(self, place: int, step: int) -> int:
        """The steps of all optimizers before a step of the one at a place, as far as is known."""
        trail = self.trails.get(place)
        if not trail or step < trail[0].step:
            return max(0, step) * self.together
        at = bisect.bisect_right(trail, step, key=lambda one: one.step) - 1
        return trail[at].tick + (step - trail[at].step) * self.ticks_a_step(place)

    def ticks_a_step(self, place: int) -> int:
        """The steps that all optimizers take while the one at a place takes one, rounded up."""
        trail = self.trails.get(place)
        if trail is None or len(trail) < 2:
            return max(1, self.together)
        return math.ceil((trail[-1].tick - trail[0].tick) / max(1, trail[-1].step - trail[0].step))

    def history(self) -> list[Step]:
        """The last steps of the first optimizer, also when it is gone."""
        return list(self._history)

    def next_step(self) -> int:
        """The step of the first optimizer that is being prepared."""
        return self.trail[-1].step + 1 if self.trail else self._begun

    def size(self) -> int:
        """Bytes of all that the optimizers update."""
        held = [p for followed in self for p in followed.parameters]
        return sum(p.numel() * p.element_size() for p in held)

    # ---- names

    def name_loss(self, followed: Followed, name: str | None) -> None:
        """What the loss of an optimizer is called; two of them never share a name."""
        if followed.loss_name is None and name is not None:
            taken = any(one.loss_name == name for one in self)
            followed.loss_name = f"{name}_{followed.place}" if taken else name
            self.loss_names[followed.loss_name] = followed.place

    @property
    def names(self) -> Names:
        """Names of what the models hold, looked up again when modules were made."""
        if self._names is None or self._names.version != self._registry.version:
            self._names = Names(self._registry)
            self._listed.clear()
        return self._names

    def parameter_names(self, followed: Followed) -> list[str]:
        """Names of all parameters of an optimizer."""
        known = self.names
        if followed.place not in self._listed:
            held = enumerate(followed.parameters)
            self._listed[followed.place] = [known.of(p, at) for at, p in held]
        return self._listed[followed.place]

    def remember_names(self, names: Sequence[str]) -> None:
        """What the first optimizer's parameters with a gradient are called, for when it is gone."""
        self._last_names = list(names)

    def gradient_names(self, place: int = 0) -> list[str]:
        """Names of an optimizer's parameters that have a gradient; those it had, if it is gone."""
        followed = next((f for f in self if f.place == place), None)
        if followed is not None:
            listed = zip(self.parameter_names(followed), followed.parameters, strict=True)
            self._last_names = [name for name, p in listed if p.grad is not None]
        return self._last_names
