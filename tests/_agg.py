import sys, numpy as np
from collections import Counter, defaultdict
from tests.evaluation import fitting, judging, validation, scoring, tables
from tests.evaluation.observations import observe
from tests.evaluation.fitting import *
from tests.faults.suite import truths
lv=sys.argv[1]; T=float(sys.argv[2]); cut=float(sys.argv[3])
judging.DECIDED=cut
fitting.CAUSE_SHARE=float(sys.argv[4]); fitting.WEIGHT_SPREAD=float(sys.argv[5]); fitting.PRIOR_SPREAD=.5
obs=[o for o in observe([t for t in truths() if t.visible])]
cols=design()
fs=list(validation.folds(obs,8))
pred=[]
for f in fs: pred+=judging.predict(cols,fit(cols,f.rest),f.left_out,T)
for c in (cut,.6,.7,.8):
  judging.DECIDED=c
  for l in ("loss","rate","norm","full"):
    ps=[p for p in pred if p.truth.level==l]
    import dataclasses
    q=[]
    for p in ps:
        v=p.verdict
        if v not in ("healthy",):
            if p.families and p.families[0][1]>=c: v=p.families[0][0]
            else: v="inconclusive"
        q.append(dataclasses.replace(p,verdict=v))
    s=scoring.score(q)
    print(f"cut {c} {l:5s} rec {s.recall:.3f} dec {s.decided:.3f} fam {s.family:.3f} all {s.family_of_all:.3f} cause {s.cause:.3f} top3 {s.cause_top3:.3f} two {s.among_two:.3f} step {s.first_step:.3f} ece {s.ece:.3f} alarms f{s.alarms_failure:.3f} s{s.alarms_spike:.3f} w{s.alarms_warning:.3f} v{s.alarms_verdict:.3f}")
P=[p for p in pred if p.truth.level==lv and p.truth.family!="healthy"]
by=defaultdict(list)
for p in P: by[(p.truth.cause,p.truth.recipe)].append(p)
rows=[]
for (c,r),ps in by.items():
    pt=np.mean([dict(p.families).get(p.truth.family,0) for p in ps])
    tops=Counter((p.families[0][0][:9]+":"+p.causes[0][0]+f" {p.families[0][1]:.2f}") if p.families else "-" for p in ps)
    rows.append((pt,c,r,len(ps),sum(p.severity is None for p in ps),"; ".join(tops)))
for x in sorted(rows): print(f"{x[0]:.2f} {x[1]} [{x[2]}] n{x[3]} silent{x[4]} -> {x[5][:170]}")
open("/tmp/ev.txt","w").write(tables.recipes([p for p in pred if p.truth.level==lv]))
