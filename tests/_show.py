import sys, numpy as np
from pathlib import Path
from tests.faults.record import Record
from tests.faults.presentation import presentation_of
np.set_printoptions(linewidth=200, precision=4, suppress=False)
for a in sys.argv[1:]:
    n,_,v=a.rpartition("-")
    r=Record.load(next(Path('.faults/records').glob(f'{n}-{v}.*')))
    p=presentation_of(r)
    print("==",a,r.family,r.cause,r.earliest,r.latest,r.settings, p.style,"cad",p.cadence,p.smoothing,"hide",p.hides_nan,"clipn",p.clipped_norm, r.error)
    e=r.earliest or 0
    rows=np.unique(np.clip(np.concatenate([[0,1,2,3,4,5],np.linspace(0,len(r.step)-1,8).astype(int),np.arange(e-3,e+9),[len(r.step)-2,len(r.step)-1]]),0,len(r.step)-1))
    print(" step",r.step[rows])
    for c in r.columns:
        if c.startswith("layers"): continue
        print(f" {c:18s}", np.array2string(r.columns[c][rows],formatter={'float':lambda x:f'{x:.3g}'}))
