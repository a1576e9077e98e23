import sys
import gradcheck
from pathlib import Path
from gradcheck import weighing, diagnosis
from gradcheck.case import Case
from gradcheck.measure.attempts import attempts
for n in sys.argv[2:]:
    for run in gradcheck.load(Path(".faults/logs")/sys.argv[1]/n):
        for a in attempts(run):
            c=Case(a,tuple(diagnosis.detect(a)))
            print(n,"unit",a.unit,"cad",c.cadence,"trigger",c.trigger and (c.trigger.kind.value,c.trigger.severity.value,c.trigger.step,c.trigger.recovered),"onset",c.onset and (c.onset.kind.value,c.onset.step), "smoothed",c.smoothed)
            print("   events",[(e.kind.value,e.severity.value,e.step,e.last_step,e.recovered) for e in c.events][:12])
            for cl in weighing.clues_of(c): print("   ",cl.key,round(cl.strength,2),cl.evidence.statement[:150])
