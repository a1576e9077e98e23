import sys, numpy as np, pickle
from collections import Counter, defaultdict
from tests.evaluation import fitting, judging, validation, scoring
from tests.evaluation.observations import observe
from tests.evaluation.fitting import *
from tests.faults.suite import truths
lv=sys.argv[1]; T=float(sys.argv[2])
obs=[o for o in observe([t for t in truths() if t.visible])]
cols=design()
fs=list(validation.folds(obs,8))
pred=[]
for f in fs: pred+=judging.predict(cols,fit(cols,f.rest),f.left_out,T)
for l in ("loss","rate","norm","full"):
    s=scoring.score([p for p in pred if p.truth.level==l])
    print(f"{l:5s} rec {s.recall:.3f} dec {s.decided:.3f} fam {s.family:.3f} all {s.family_of_all:.3f} cause {s.cause:.3f} top3 {s.cause_top3:.3f} two {s.among_two:.3f} step {s.first_step:.3f} ece {s.ece:.3f} alarms f{s.alarms_failure:.3f} s{s.alarms_spike:.3f} w{s.alarms_warning:.3f} v{s.alarms_verdict:.3f}")
P=[p for p in pred if p.truth.level==lv]
by=defaultdict(list)
for p in P: by[(p.truth.family,p.truth.cause or "")].append(p)
for (f,c),ps in sorted(by.items()):
    n=len(ps); dec=[p for p in ps if scoring.is_decided(p)]; fr=sum(scoring.has_family(p) for p in dec)
    tops=Counter((p.causes[0][0] if p.causes else "-")+("*" if scoring.is_decided(p) else "") for p in ps)
    silent=sum(p.severity is None and p.verdict=="healthy" for p in ps)
    print(f"{f[:8]} {c}: n{n} dec{len(dec)} fam{fr} cause{sum(scoring.has_cause(p) for p in dec)} silent{silent} | "+", ".join(f"{k} {v}" for k,v in tops.most_common(7)))
from tests.evaluation import tables
open("/tmp/ev.txt","w").write(tables.recipes(P))
