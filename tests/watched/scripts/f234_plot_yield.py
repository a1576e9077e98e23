"""County 23 (rows 1380..1439, batches 69..71 of every epoch; unshuffled) delivers elevation in mm,
so the robust-scaled feature is 126..500 instead of within about +-3.

[truth]
family = "bad_data"
causes = ["outlier_batch", "unscaled_features", "recurring_bad_batch"]
step = 69
among = [1380, 1381, 1382, 1383, 1384, 1385, 1386, 1387, 1388, 1389, 1390, 1391, 1392, 1393,
1394, 1395, 1396, 1397, 1398, 1399, 1400, 1401, 1402, 1403, 1404, 1405, 1406, 1407, 1408, 1409,
1410, 1411, 1412, 1413, 1414, 1415, 1416, 1417, 1418, 1419, 1420, 1421, 1422, 1423, 1424, 1425,
1426, 1427, 1428, 1429, 1430, 1431, 1432, 1433, 1434, 1435, 1436, 1437, 1438, 1439]
"""
import numpy as np
import torch

# Winter wheat: yield per plot from weather + soil. One block of rows per county.
np.random.seed(8)
torch.manual_seed(8)
torch.set_num_threads(1)

COUNTIES, PER = 40, 60
frames = []
for c in range(COUNTIES):
    elev = np.random.uniform(50, 600) + np.random.normal(0, 20, PER)        # m
    rain = np.random.normal(620, 60) - 0.2 * elev + np.random.normal(0, 40, PER)
    temp = 10.5 - 0.006 * elev + np.random.normal(0, 0.4, PER)
    clay = np.clip(np.random.normal(0.3, 0.1, PER), 0.02, 0.8)
    nitro = np.random.uniform(80, 220, PER)
    y = 4 + 0.02 * nitro - 6e-5 * (nitro - 120) ** 2 + 0.004 * (rain - 500) - 0.3 * (temp - 9) ** 2 + 2 * clay
    y = y + np.random.normal(0, 0.3, PER)
    if c == 23:
        elev = elev * 1000          # this county delivers mm
    frames.append(np.column_stack([elev, rain, temp, clay, nitro, y]))
table = np.concatenate(frames)
X, Y = table[:, :5], table[:, 5:]

# robust scaling, as the rainfall gauges are known to be noisy
q1, med, q3 = np.percentile(X, [25, 50, 75], axis=0)
X = torch.tensor((X - med) / (q3 - q1), dtype=torch.float32)
Y = torch.tensor((Y - Y.mean()) / Y.std(), dtype=torch.float32)

model = torch.nn.Sequential(
    torch.nn.Linear(5, 64), torch.nn.ReLU(),
    torch.nn.Linear(64, 64), torch.nn.ReLU(),
    torch.nn.Linear(64, 1),
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
loss_fn = torch.nn.MSELoss()
BS = 20
for epoch in range(4):
    for i in range(0, len(X), BS):
        xb, yb = X[i:i + BS], Y[i:i + BS]
        pred = model(xb)
        loss = loss_fn(pred, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (i // BS) % 15 == 0:
            print('Epoch %d  batch %3d  loss %.4f' % (epoch, i // BS, loss.item()))
print('done')
