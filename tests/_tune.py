import sys, numpy as np
from tests.evaluation import fitting, judging, validation, scoring
from tests.evaluation.observations import observe
from tests.evaluation.fitting import *
from tests.faults.suite import truths
obs=[o for o in observe([t for t in truths() if t.visible])]
cols=design()
fs=list(validation.folds(obs,8))
def run(cs,ws,ps):
    fitting.WEIGHT_SPREAD=ws; fitting.PRIOR_SPREAD=ps; fitting.CAUSE_SHARE=cs
    ps_=[(fit(cols,f.rest),f.left_out) for f in fs]
    T=judging.calibrated_temperature(cols,ps_)
    out={}
    for t in (T,):
        pred=[]
        for p,lo in ps_: pred+=judging.predict(cols,p,lo,t)
        for lv in ("loss","norm","full"):
            s=scoring.score([p for p in pred if p.truth.level==lv])
            out[(t,lv)]=s
    return T,out
for cs,ws,ps in [(20,1.0,0.5),(30,1.5,.5)]:
    T,out=run(cs,ws,ps)
    print("cs",cs,"ws",ws,"ps",ps,"T",round(T,2))
    for (t,lv),s in out.items(): print(f"   {lv:5s} dec {s.decided:.3f} fam {s.family:.3f} all {s.family_of_all:.3f} cause {s.cause:.3f} top3 {s.cause_top3:.3f} two {s.among_two:.3f} ece {s.ece:.3f} brier {s.brier:.3f} alarmverdict {s.alarms_verdict:.3f}")
