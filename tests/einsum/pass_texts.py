"""Cascades with known pass counts, without batch and heads, for the tests of the analysis."""

SCORES = """
ranks E, F, P, M
inputs Q[E, P], K[E, M], V[F, M]
QK[m, p] = Q[e, p] * K[e, m]
"""

TILED_SCORES = """
ranks E, F, P, M -> (M1, M0)
inputs Q[E, P], K[E, M], V[F, M]
QK[m1, m0, p] = Q[e, p] * K[e, m1, m0]
LM[m1, p] = max(m0) QK[m1, m0, p]
"""

STABLE = (
    SCORES
    + """
GM[p] = max(m) QK[m, p]
SN[m, p] = exp(QK[m, p] - GM[p])
SD[p] = SN[m, p]
A[m, p] = SN[m, p] / SD[p]
AV[f, p] = A[m, p] * V[f, m]
"""
)

STABLE_DEFERRED = (
    SCORES
    + """
GM[p] = max(m) QK[m, p]
SN[m, p] = exp(QK[m, p] - GM[p])
SD[p] = SN[m, p]
SNV[f, p] = SN[m, p] * V[f, m]
AV[f, p] = SNV[f, p] / SD[p]
"""
)

UNSTABLE = (
    SCORES
    + """
SN[m, p] = exp(QK[m, p])
SD[p] = SN[m, p]
A[m, p] = SN[m, p] / SD[p]
AV[f, p] = A[m, p] * V[f, m]
"""
)

UNSTABLE_DEFERRED = (
    SCORES
    + """
SN[m, p] = exp(QK[m, p])
SD[p] = SN[m, p]
SNV[f, p] = SN[m, p] * V[f, m]
AV[f, p] = SNV[f, p] / SD[p]
"""
)

SIGMOID = (
    SCORES
    + """
S[m, p] = sigmoid(QK[m, p] - log(M))
AV[f, p] = S[m, p] * V[f, m]
"""
)

TILE_LOCAL = (
    TILED_SCORES
    + """
SLN[m1, m0, p] = exp(QK[m1, m0, p] - LM[m1, p])
SLD[m1, p] = SLN[m1, m0, p]
GM[p] = max(m1) LM[m1, p]
CF[m1, p] = exp(LM[m1, p] - GM[p])
SD[p] = SLD[m1, p] * CF[m1, p]
A[m1, m0, p] = SLN[m1, m0, p] * CF[m1, p] / SD[p]
AV[f, p] = A[m1, m0, p] * V[f, m1, m0]
"""
)

SPLIT_K = (
    TILED_SCORES
    + """
SLN[m1, m0, p] = exp(QK[m1, m0, p] - LM[m1, p])
SLD[m1, p] = SLN[m1, m0, p]
SLNV[m1, f, p] = SLN[m1, m0, p] * V[f, m1, m0]
GM[p] = max(m1) LM[m1, p]
CF[m1, p] = exp(LM[m1, p] - GM[p])
SD[p] = SLD[m1, p] * CF[m1, p]
SNV[f, p] = SLNV[m1, f, p] * CF[m1, p]
AV[f, p] = SNV[f, p] / SD[p]
"""
)

FUSEMAX = """
ranks B, H, E, F, P, M -> (M1, M0)
shape E = 64, F = 64, M0 = 256
inputs Q[B, H, E, P], K[B, H, E, M], V[B, H, F, M]
QK[b, h, m1, m0, p] = Q[b, h, e, p] * K[b, h, e, m1, m0]
LM[b, h, m1, p] = max(m0) QK[b, h, m1, m0, p]
RM[b, h, 0, p] = -inf
RM[b, h, m1 + 1, p] = max(RM[b, h, m1, p], LM[b, h, m1, p])
SLN[b, h, m1, m0, p] = exp(QK[b, h, m1, m0, p] - RM[b, h, m1 + 1, p])
SLD[b, h, m1, p] = SLN[b, h, m1, m0, p]
PRM[b, h, m1, p] = exp(RM[b, h, m1, p] - RM[b, h, m1 + 1, p])
SPD[b, h, m1, p] = PRM[b, h, m1, p] * RD[b, h, m1, p]
RD[b, h, 0, p] = 0
RD[b, h, m1 + 1, p] = SPD[b, h, m1, p] + SLD[b, h, m1, p]
SLNV[b, h, m1, f, p] = SLN[b, h, m1, m0, p] * V[b, h, f, m1, m0]
SPNV[b, h, m1, f, p] = PRM[b, h, m1, p] * RNV[b, h, m1, f, p]
RNV[b, h, 0, f, p] = 0
RNV[b, h, m1 + 1, f, p] = SPNV[b, h, m1, f, p] + SLNV[b, h, m1, f, p]
AV[b, h, f, p] = RNV[b, h, M1, f, p] / RD[b, h, M1, p]
"""

FLASH_1 = (
    TILED_SCORES
    + """
SLN[m1, m0, p] = exp(QK[m1, m0, p] - LM[m1, p])
SLD[m1, p] = SLN[m1, m0, p]
SLNV[m1, f, p] = SLN[m1, m0, p] * V[f, m1, m0]
RM[0, p] = -inf
RM[m1 + 1, p] = max(RM[m1, p], LM[m1, p])
PRM[m1, p] = exp(RM[m1, p] - RM[m1 + 1, p])
PLM[m1, p] = exp(LM[m1, p] - RM[m1 + 1, p])
RD[0, p] = 0
RD[m1 + 1, p] = PRM[m1, p] * RD[m1, p] + PLM[m1, p] * SLD[m1, p]
NV[m1, f, p] = PRM[m1, p] * RD[m1, p] * RO[m1, f, p] + PLM[m1, p] * SLNV[m1, f, p]
RO[0, f, p] = 0
RO[m1 + 1, f, p] = NV[m1, f, p] / RD[m1 + 1, p]
AV[f, p] = RO[M1, f, p]
"""
)

LINEAR = """
ranks E, F, P, M
inputs Q[E, P], K[E, M], V[F, M]
FQ[e, p] = exp(Q[e, p])
FK[e, m] = exp(K[e, m])
KV[e, f] = FK[e, m] * V[f, m]
KS[e] = FK[e, m]
NV[f, p] = FQ[e, p] * KV[e, f]
ND[p] = FQ[e, p] * KS[e]
AV[f, p] = NV[f, p] / ND[p]
"""

SOFTMAX = """
ranks R, N
inputs X[R, N]
GM[r] = max(n) X[r, n]
SN[r, n] = exp(X[r, n] - GM[r])
SD[r] = SN[r, n]
Y[r, n] = SN[r, n] / SD[r]
"""

TWO_PASS_SOFTMAX = """
ranks N
inputs X[N]
XE[n] = round(X[n] * 1.4426950408889634)
XM[n] = exp(X[n] - XE[n] * 0.6931471805599453)
RE[0] = -inf
RE[n + 1] = max(RE[n], XE[n])
RS[0] = 0
RS[n + 1] = RS[n] * exp2(RE[n] - RE[n + 1]) + XM[n] * exp2(XE[n] - RE[n + 1])
Y[n] = XM[n] * exp2(XE[n] - RE[N]) / RS[N]
"""

LOG_SUM_EXP = """
ranks N
inputs X[N]
GM = max(n) X[n]
SN[n] = exp(X[n] - GM)
SD = SN[n]
L = GM + log(SD)
"""

ONLINE_LOG_SUM_EXP = """
ranks N
inputs X[N]
RM[0] = -inf
RM[n + 1] = max(RM[n], X[n])
RD[0] = 0
RD[n + 1] = RD[n] * exp(RM[n] - RM[n + 1]) + exp(X[n] - RM[n + 1])
L = RM[N] + log(RD[N])
"""

LAYER_NORM = """
ranks R, N
inputs X[R, N], GAIN[N]
MU[r] = X[r, n] / N
D[r, n] = X[r, n] - MU[r]
S[r] = square(D[r, n])
Y[r, n] = D[r, n] * rsqrt(S[r] / N) * GAIN[n]
"""

LAYER_NORM_MOMENTS = """
ranks R, N
inputs X[R, N], GAIN[N]
SX[r] = X[r, n]
SXX[r] = square(X[r, n])
MU[r] = SX[r] / N
RS[r] = rsqrt(SXX[r] / N - square(MU[r]))
Y[r, n] = (X[r, n] - MU[r]) * RS[r] * GAIN[n]
"""

RMS_NORM = """
ranks N
inputs X[N]
S = square(X[n])
Y[n] = X[n] * rsqrt(S / N)
"""

VARIANCE = """
ranks N
inputs X[N]
S = X[n]
MU = S / N
VAR = square(X[n] - MU)
"""

WELFORD = """
ranks N
inputs X[N]
MU[0] = 0
MU[n + 1] = MU[n] + (X[n] - MU[n]) / (n + 1)
SS[0] = 0
SS[n + 1] = SS[n] + (X[n] - MU[n]) * (X[n] - MU[n + 1])
VAR = SS[N] / N
"""

COSINE = """
ranks N
inputs X[N], Y[N]
XY = X[n] * Y[n]
XX = square(X[n])
YY = square(Y[n])
C = XY * rsqrt(XX * YY)
"""

MATMUL_CHAIN = """
ranks I, J, K, L
inputs A[I, J], B[J, K], C[K, L]
T[i, k] = A[i, j] * B[j, k]
U[i, l] = T[i, k] * C[k, l]
"""

INDEPENDENT = """
ranks N, M
inputs A[N], B[M]
S = A[n]
T = B[m] * S
"""

POWER_ITERATION = """
ranks I, N, K
inputs A[N, K], START[N]
V[0, n] = START[n]
W[i, n] = A[n, k] * V[i, k]
S[i] = square(W[i, n])
V[i + 1, n] = W[i, n] * rsqrt(S[i])
Y[n] = V[I, n]
"""

SELF_ATTENTION = """
ranks P, M, D, E
inputs X[P, D], WQ[D, E], WK[D, E]
Q[p, e] = X[p, d] * WQ[d, e]
K[m, e] = X[m, d] * WK[d, e]
QK[m, p] = Q[p, e] * K[m, e]
GM[p] = max(m) QK[m, p]
SN[m, p] = exp(QK[m, p] - GM[p])
SD[p] = SN[m, p]
A[m, p] = SN[m, p] / SD[p]
Z[p, d] = A[m, p] * X[m, d]
"""

CONVOLUTION = """
ranks W, P, R
inputs X[W], F[R]
O[p] = X[p + r] * F[r]
G = max(p) O[p]
Z[p] = O[p] - G
"""
