"""What the Home page and the tour say, in every language: the one table of their words."""

from collections.abc import Callable
from dataclasses import dataclass

Say = Callable[..., str]
LANGUAGES = {"en": "English", "ko": "한국어"}


@dataclass(frozen=True)
class Text:
    """One thing that is said; what stands in braces is filled in."""

    en: str
    ko: str


# fmt: off
TEXTS = {
    # ---- both pages
    "language": Text("Language", "언어"),
    "language.unknown": Text(
        "The address asks for the language {asked}, but the lab speaks {known}: you see it in English.",
        "주소가 요청한 언어 {asked}은(는) 없습니다. 사용할 수 있는 언어는 {known}이며, 영어로 표시합니다."),
    "net.plain": Text("Plain net-{depth}", "일반 신경망-{depth}"),
    "net.identity": Text("ResNet-{depth}, identity", "ResNet-{depth}, 항등"),
    "net.full_preact": Text("ResNet-{depth}, full pre-activation", "ResNet-{depth}, 완전 사전 활성화"),
    "net.open_gate": Text("ResNet-{depth}, gate bias 0", "ResNet-{depth}, 게이트 편향 0"),
    "net.shut_gate": Text("ResNet-{depth}, gate bias −6", "ResNet-{depth}, 게이트 편향 −6"),
    "net.bn_after_addition": Text("ResNet-{depth}, BN after addition", "ResNet-{depth}, 덧셈 뒤 BN"),
    "block.plain": Text("Plain: no shortcut", "일반: 지름길 연결 없음"),
    "block.identity": Text("Identity shortcut", "항등 지름길 연결"),
    "block.full_preact": Text("Full pre-activation", "완전 사전 활성화"),
    "data.sample": Text("the sample of CIFAR-10 that the lab brings along", "실험실에 포함된 CIFAR-10 표본"),
    "data.cifar10": Text("CIFAR-10", "CIFAR-10"),
    "data.cifar100": Text("CIFAR-100", "CIFAR-100"),
    "data.synthetic": Text("synthetic data", "합성 데이터"),
    "about": Text(
        "{steps} steps of {batch} images ({epochs} epochs), {images} training images of {data} at {side}×{side} "
        "pixels, {tests} test images. Trained on {hardware}.",
        "이미지 {batch}장씩 {steps}스텝({epochs}에폭), 학습 이미지는 {data} {images}장({side}×{side} 픽셀), 테스트 "
        "이미지는 {tests}장입니다. 학습 장치: {hardware}."),
    "runs": Text("{label}, n = {n}", "{label}, n = {n}"),
    "measure.loss": Text("Training loss", "학습 손실"),
    "measure.test_error": Text("Test error", "테스트 오류율"),
    "unit.loss": Text("cross-entropy", "교차 엔트로피"),
    "unit.test_error": Text("error, %", "오류율, %"),
    "axis.step": Text("step", "스텝"),
    "ends": Text("{label}: {value} at step {step}", "{label}: {step}스텝에서 {value}"),

    # ---- Home
    "home.title": Text("ResNet Lab", "ResNet Lab"),
    "home.promise": Text(
        "Take a residual block apart, put it back together differently, train it, and see what changes.",
        "잔차 블록을 분해하고, 다르게 다시 조립하고, 학습시켜 무엇이 달라지는지 확인합니다."),
    "home.picture": Text("Test error while training, %, logarithmic", "학습 중 테스트 오류율, %, 로그 축"),
    "home.caption": Text(
        "Nets of {depth} layers, measured in runs that come with the lab; a curve is the mean of its n seeds. "
        "{about}",
        "{depth}층 신경망을 실제로 학습시킨, 실험실에 포함된 기록입니다. 곡선은 시드 n개의 "
        "평균입니다. {about}"),
    "home.seeds": Text("n = {n}", "n = {n}"),
    "home.diagram": Text(
        "A residual block with full pre-activation: what the shortcut hands on is blue, what the branch adds is "
        "orange. No trained runs come with this copy of the lab; the first comparison below makes some.",
        "완전 사전 활성화 잔차 블록입니다. 지름길 연결이 전달하는 신호는 파란색, 잔차 가지가 더하는 신호는 "
        "주황색입니다. 이 실험실에는 미리 학습된 기록이 없으며, 아래의 첫 비교를 실행하면 생깁니다."),
    "home.tour": Text("The story of both papers, in five steps", "두 논문의 이야기, 다섯 단계"),
    "home.tour.words": Text(
        "How plain nets get worse when they get deeper, what a shortcut changes, and what remains open: a quarter of "
        "an hour, with the lab itself on every page.",
        "일반 신경망이 깊어질수록 어떻게 나빠지는지, 지름길 연결은 무엇을 바꾸는지, 무엇이 아직 풀리지 않았는지를 "
        "단계마다 실험실을 직접 다루며 15분 동안 살펴봅니다."),
    "home.tour.go": Text("Take the tour", "둘러보기 시작"),
    "home.build": Text("Build a block", "블록 만들기"),
    "home.build.words": Text(
        "Every shortcut and placement of the papers, and blocks of your own: drawn, explained, X-rayed.",
        "논문의 모든 지름길 연결과 층 배치, 그리고 직접 설계한 블록을 그림과 설명, 엑스레이로 살펴봅니다."),
    "home.build.go": Text("Build", "만들기"),
    "home.watch": Text("Watch a first comparison", "첫 비교 지켜보기"),
    "home.watch.words": Text(
        "A plain net, the same net with identity shortcuts, and with full pre-activation: {depth} layers each, "
        "trained side by side before your eyes.",
        "일반 신경망, 항등 지름길 연결을 더한 신경망, 완전 사전 활성화 신경망을 각각 {depth}층으로 나란히 학습시키며 "
        "지켜봅니다."),
    "home.watch.go": Text("Train the three", "세 신경망 학습하기"),
    "home.watch.known": Text("{runs} of the three are here already.", "셋 가운데 {runs}개는 이미 있습니다."),
    "home.watch.sample": Text(
        "On the {images} images that come with the lab: CIFAR-10 itself is not on this machine yet.",
        "CIFAR-10 전체가 아직 이 컴퓨터에 없으므로 실험실에 포함된 이미지 {images}장으로 학습합니다."),
    "home.look": Text("Look inside trained nets", "학습된 신경망 들여다보기"),
    "home.look.words": Text(
        "What attribution maps mark in a picture, what each block does in the nets, and what they get wrong.",
        "기여도 지도가 사진의 어디를 표시하는지, 각 블록이 무슨 일을 하는지, 무엇을 틀리는지 살펴봅니다."),
    "home.look.go": Text("Look inside", "들여다보기"),
    "home.look.none": Text(
        "No net has been trained yet: the first comparison leaves three.",
        "아직 학습된 신경망이 없습니다. 첫 비교를 실행하면 세 개가 생깁니다."),
    "home.more": Text("And then:", "그 밖에:"),
    "home.train": Text("Train any blocks", "원하는 블록 학습하기"),
    "home.compare": Text("Compare runs ({runs})", "학습 기록 비교하기({runs}개)"),
    "home.papers": Text("The papers on trial", "논문 검증하기"),

    # ---- prices
    "price.unknown": Text(
        "How long that takes is not known before the first run here; each says it as soon as it has begun.",
        "이 컴퓨터에서 처음 학습하기 전에는 걸리는 시간을 알 수 없으며, 학습이 시작되면 바로 표시됩니다."),
    "price.seconds": Text(
        "About {seconds} s on this machine, by the pace of earlier runs.",
        "이전 학습 속도로 보아 이 컴퓨터에서 약 {seconds}초 걸립니다."),
    "price.minutes": Text(
        "About {minutes} min on this machine, by the pace of earlier runs.",
        "이전 학습 속도로 보아 이 컴퓨터에서 약 {minutes}분 걸립니다."),

    # ---- the tour
    "tour.title": Text("Tour", "둘러보기"),
    "tour.promise": Text(
        "The story of the two ResNet papers in {steps} steps, each with the lab itself on the screen.",
        "두 ResNet 논문의 이야기를 {steps}단계로 살펴봅니다. 단계마다 실험실을 직접 다룹니다."),
    "tour.steps": Text("Steps of the tour", "둘러보기 단계"),
    "tour.unknown": Text(
        "The address asks for step {asked}, but the tour has the steps 1 to {steps}: you see the first.",
        "주소가 요청한 {asked}단계는 없습니다. 둘러보기는 1단계부터 {steps}단계까지이며, 첫 단계를 표시합니다."),
    "tour.back": Text("Back", "이전"),
    "tour.next": Text("Next", "다음"),

    "tour.degradation": Text("Degradation", "성능 저하"),
    "tour.degradation.title": Text("Deeper plain nets get worse", "일반 신경망은 깊어지면 오히려 나빠집니다"),
    "tour.degradation.text": Text(
        "A deeper net can do all that a shallower one does: its additional layers need only hand the signal on. Yet "
        "He et al. (2015) found that a plain net of 56 layers trains worse than one of 20, on the training images "
        "too, so that this is not overfitting. Their plain net of 110 layers stayed above 60% error (caption of their "
        "Figure 6). They call it degradation: a solution at least as good is there, and training does not find it.\n\n"
        "The X-ray on this page is computed now, in nets that have not been trained. Choose a depth and look at "
        "the gradient on its way back from the output, on the right, to the input, on the left: the deeper the plain "
        "net, the further its units are apart. Such numbers show where two nets differ before the first step, and do "
        "not prove why training fails: the paper itself holds vanishing gradients for an unlikely cause, since with BN "
        "their norms were healthy in its nets (section 4.1).",
        "추가된 층이 신호를 그대로 전달하기만 해도 깊은 신경망은 얕은 신경망이 하는 일을 모두 할 수 있습니다. 그러나 "
        "He 등(2015)은 56층 일반 신경망이 20층보다 학습 이미지에서도 더 나쁘다는 것을 발견했습니다. 따라서 과적합이 "
        "아닙니다. 110층 일반 신경망의 오류율은 60%를 넘었습니다(그림 6의 설명). 적어도 그만큼 좋은 해가 있는데도 "
        "찾아내지 못하는 이 현상을 성능 저하(degradation)라고 부릅니다.\n\n"
        "이 엑스레이는 아직 학습하지 않은 신경망에서 지금 계산한 것입니다. 깊이를 고르고, 기울기가 오른쪽의 "
        "출력에서 왼쪽의 입력으로 되돌아가는 모습을 보십시오. 일반 신경망은 깊을수록 유닛 사이의 차이가 커집니다. 이 "
        "수치가 실패의 이유를 증명하지는 않습니다. 논문은 BN을 쓴 신경망에서는 기울기의 크기가 정상이었으므로 기울기 "
        "소실이 원인일 가능성은 낮다고 봅니다(4.1절)."),

    "tour.residual": Text("Residual", "잔차"),
    "tour.residual.title": Text("A way around every block", "모든 블록을 건너뛰는 길"),
    "tour.residual.text": Text(
        "The residual block adds its input to what its layers compute: y = x + F(x). The blue path is the shortcut; "
        "the orange one is the branch F, which only has to learn the difference. To hand the signal on, F must merely "
        "become zero, and that, the authors suppose, is easier than to learn the identity. The shortcut has no "
        "parameters and costs nothing but an addition.\n\n"
        "The X-ray shows what each sum is made of: with depth, most of the signal has come by the shortcuts, and each "
        "branch changes it a little. By the papers' recipe, ResNet-20 has {resnet20} test error, ResNet-56 {resnet56} "
        "and ResNet-110 {resnet110} (He et al. 2015, Table 6; 110: mean of 5 runs): depth helps, up to a point. "
        "ResNet-1202 has {resnet1202}.",
        "잔차 블록은 입력을 층의 계산 결과에 더합니다: y = x + F(x). 파란색 경로가 지름길 연결이고, 주황색 경로가 "
        "차이만 학습하면 되는 잔차 가지 F입니다. 신호를 그대로 전달하려면 F가 0이면 되며, 논문은 이것이 항등 "
        "함수를 학습하는 것보다 쉬울 것으로 봅니다. 지름길 연결에는 매개변수가 없고 덧셈 말고는 비용도 들지 "
        "않습니다.\n\n"
        "각 덧셈의 구성을 보여 주는 엑스레이에서, 깊이 들어갈수록 신호의 대부분은 지름길 연결로 온 것이고, 잔차 가지는 "
        "신호를 조금씩만 바꿉니다. 논문의 학습 방법으로 ResNet-20의 테스트 오류율은 {resnet20}, ResNet-56은 "
        "{resnet56}, ResNet-110은 {resnet110}입니다(He 등 2015, 표 6. 110층은 5회 평균). 깊이는 어느 정도까지 도움이 "
        "됩니다(ResNet-1202: {resnet1202})."),

    "tour.shortcut": Text("Shortcut", "지름길"),
    "tour.shortcut.title": Text("What the shortcut must be", "지름길 연결은 어떠해야 하는가"),
    "tour.shortcut.text": Text(
        "If shortcuts help, would cleverer ones help more? He et al. (2016) put a gate g on them, as highway networks "
        "do: (1 − g)·x + g·F(x). How far it is open at the start is decided by its bias. Move the bias: every unit "
        "multiplies the signal by 1 − g, and over many units even a small loss becomes a large one. With the bias 0 "
        "half of it is lost in every unit; near −6 nearly all arrives, but then the branch is hardly heard.\n\n"
        "Their ResNet-110 has {identity} test error with the identity, {gated} with this gate and bias −6, and stays "
        "above {failed}% with biases from 0 to −5; a constant factor of 0.5 on both paths leads to {scaled} (Table 1; "
        "medians of 5 runs). Their conclusion: leave the shortcut alone. The last step tells of an objection.",
        "더 정교한 연결은 더 도움이 되지 않을까요? He 등(2016)은 하이웨이 네트워크처럼 "
        "게이트 g를 달았습니다: (1 − g)·x + g·F(x). 처음에 얼마나 열려 있는지는 게이트의 편향이 정합니다. "
        "편향을 움직여 보십시오. 유닛마다 신호에 1 − g가 곱해지므로 작은 손실도 많은 유닛을 지나면 커집니다. 편향이 "
        "0이면 유닛마다 절반을 잃고, −6에 가까우면 거의 모두 도착하지만 잔차 가지의 기여는 거의 사라집니다.\n\n"
        "ResNet-110은 항등 연결일 때 테스트 오류율이 {identity}이고, 이 게이트와 편향 −6에서는 {gated}이며, "
        "편향이 0에서 −5 사이이면 {failed}%를 넘습니다. 두 경로에 상수 0.5를 곱하면 {scaled}입니다(표 1, 5회의 "
        "중앙값). 논문의 결론은 지름길 연결을 그대로 두라는 것이며, 반론은 마지막 단계에 있습니다."),

    "tour.preactivation": Text("Pre-activation", "사전 활성화"),
    "tour.preactivation.title": Text("Keep the way clear: pre-activation", "길을 비워 두기: 사전 활성화"),
    "tour.preactivation.text": Text(
        "In the original block a ReLU follows the addition, so that the shortcut is not quite free: it cuts all that "
        "is negative. Full pre-activation moves BN and ReLU to the beginning of the branch. Then, within a "
        "stage, a signal passes from any unit to any later one by additions alone, and so does its gradient. In the "
        "X-ray each unit adds to the signal; where a stage begins, both paths start behind BN, and it starts anew.\n\n"
        "At 110 layers the gain is small, {original} to {preact}; at 164 it is {original164} to {preact164}, and at "
        "1001 {original1001} to {preact1001} (He et al. 2016, Tables 2 and 3; medians of 5 runs). The paper sees two "
        "effects: easier optimisation in very deep nets, and better generalisation, with a training loss that may "
        "even be higher at the end. BN after the addition, which stands in the way, is worse: {after} at 110 layers.",
        "원래 블록에서는 덧셈 뒤의 ReLU가 음수를 모두 자르므로 지름길 연결이 완전히 자유롭지 않습니다. 완전 사전 "
        "활성화는 BN과 ReLU를 잔차 가지의 맨 앞으로 옮깁니다. 그러면 한 스테이지 안에서 신호는 어느 유닛에서든 뒤의 "
        "유닛까지 덧셈만으로 전달되고, 기울기도 마찬가지입니다. 엑스레이에서 각 유닛은 신호에 값을 더하며, 두 경로가 "
        "모두 BN 뒤에서 출발하는 스테이지의 처음에서는 새로 시작합니다.\n\n"
        "110층에서는 {original}에서 {preact}로 차이가 작지만, 164층에서는 {original164}에서 {preact164}로, "
        "1001층에서는 {original1001}에서 {preact1001}로 줄어듭니다(He 등 2016, 표 2와 3, 5회의 중앙값). 논문은 두 가지 "
        "효과를 말합니다. 매우 깊은 신경망의 최적화가 쉬워지고, 끝의 학습 손실이 더 높더라도 일반화가 좋아집니다. 길을 "
        "막는 덧셈 뒤의 BN은 110층에서 {after}로 더 나쁩니다."),

    "tour.open": Text("What is open", "남은 질문"),
    "tour.open.title": Text("What remains open, and what you can do", "무엇이 아직 풀리지 않았고, 무엇을 할 수 있는가"),
    "tour.open.text": Text(
        "**Gates, once more.** In 2025 R. Srivastava, an author of highway networks, published a comparison in which a "
        "gated net of another design reaches 6.04% against 6.25% for ResNet-110, in single runs. What Table 1 says of "
        "gates may thus hold for its design of the gate alone.\n\n"
        "**Why it works.** Clean gradients, shorter paths, a smoother landscape: each has been offered as an "
        "explanation, and the lab has a view for each. None of them is the last word.\n\n"
        "**What these pages cannot show.** The runs here are few and short. A difference as small as the one between "
        "two seeds cannot be told from chance with so few, and curves of early training do not tell the final "
        "accuracy. The Papers page says, claim by claim, what the runs support, what they contradict, and how many "
        "more it would take.",
        "**게이트, 다시 한번.** 하이웨이 네트워크의 공저자 R. Srivastava는 2025년에 다른 설계의 "
        "게이트 신경망이 6.04%, ResNet-110이 6.25%라는 비교를 발표했습니다(각 1회). 따라서 표 1의 게이트 결과는 그 "
        "게이트 설계에만 해당할 수 있습니다.\n\n"
        "**왜 작동하는가.** 깨끗한 기울기, 짧은 경로, 매끄러운 손실 지형은 저마다 설명으로 제시되어 왔으며, 실험실에는 "
        "각각을 보는 화면이 있습니다. 어느 것도 최종 답은 아닙니다.\n\n"
        "**여기서 보여 줄 수 없는 것.** 이곳의 학습 기록은 적고 짧습니다. 시드 사이의 차이만큼 작은 차이는 몇 안 되는 "
        "시드로는 우연과 구별할 수 없고, 초기 학습 곡선은 최종 정확도를 말해 주지 않습니다. 논문 화면에서는 학습 "
        "기록이 어떤 주장을 뒷받침하고 어떤 주장과 어긋나는지, 몇 번 더 학습해야 하는지 보여 줍니다."),

    # ---- the lab on the screen
    "control.depth": Text("Layers of both nets", "두 신경망의 층 수"),
    "control.gate": Text("Bias of the gate at the start", "학습 시작 시 게이트 편향"),
    "xray.gradient_norm": Text("Gradient at each unit before training, norm", "학습 전 각 유닛의 기울기 크기"),
    "xray.shortcut_share": Text(
        "What each sum is made of, before training",
        "학습 전 각 덧셈에서 지름길 연결과 잔차 가지의 비율"),
    "xray.shortcut_signal": Text(
        "What the shortcuts alone hand on, before training",
        "학습 전 지름길 연결만으로 전달되는 신호"),
    "xray.mean_square": Text("Signal at each unit before training", "학습 전 각 유닛의 신호 크기"),
    "xray.unit.gradient_norm": Text("norm", "크기"),
    "xray.unit.shortcut_share": Text("share of the mean square", "제곱 평균의 비율"),
    "xray.unit.shortcut_signal": Text("times the first input", "첫 입력 대비 배율"),
    "xray.unit.mean_square": Text("mean square", "제곱 평균"),
    "xray.axis": Text("unit, from the input to the output", "유닛, 입력에서 출력까지"),
    "xray.stage": Text("stage {number}", "스테이지 {number}"),
    "xray.shortcut": Text("shortcut", "지름길 연결"),
    "xray.branch": Text("branch", "잔차 가지"),
    "xray.gated": Text("Gate bias {bias}", "게이트 편향 {bias}"),
    "xray.calculated": Text("calculated", "이론값"),
    "xray.ends": Text(
        "{label}: {first} after the first unit, {last} after unit {units}",
        "{label}: 첫 유닛 뒤 {first}, {units}번째 유닛 뒤 {last}"),
    "xray.about": Text(
        "{images} test images of CIFAR-10 through both nets of {depth} layers, just initialised, seed {seed}.",
        "갓 초기화한 {depth}층 신경망 두 개에 CIFAR-10 테스트 이미지 {images}장을 통과시켰습니다. 시드 {seed}."),
    "xray.wait": Text(
        "Sends images through both nets: a few seconds",
        "두 신경망에 이미지를 통과시키는 중입니다(몇 초)"),
    "chart.shipped": Text("Comes with the lab. {measure}", "실험실에 포함된 기록. {measure}"),
    "chart.own": Text("Yours. {measure}", "내 기록. {measure}"),
    "chart.smoothed": Text("{measure}, smoothed by {smoothing}", "{measure}, 평활화 {smoothing}"),
    "chart.short": Text(
        "The papers train longer, and mostly deeper nets: what comes out better here need not be what comes out better "
        "there.",
        "논문은 더 오래, 대개 더 깊은 신경망을 학습합니다. 여기서 더 좋은 것이 논문에서도 더 좋다고 할 수는 없습니다."),
    "chart.band": Text(
        "A line is the mean of the n seeds, its band one standard deviation.",
        "선은 시드 n개의 평균, 띠는 표준편차입니다."),
    "hardware.unknown": Text("hardware that has not been told yet", "아직 알려지지 않은 장치"),
    "chart.early": Text(
        "It shows early optimisation, not final accuracy.",
        "초기 최적화를 보여 줄 뿐 최종 정확도를 나타내지는 않습니다."),

    # ---- one's own run
    "own.title": Text("Add your own run", "직접 학습해 보기"),
    "own.words": Text(
        "{nets}: {steps} steps of the recipe {recipe} on {images} images of {data}. {early}",
        "{nets}: {recipe} 학습 방법으로 {data} 이미지 {images}장을 {steps}스텝 학습합니다. {early}"),
    "own.train": Text("Train {runs} here", "여기서 {runs}개 학습하기"),
    "own.seed": Text(
        "Those of seed {before} are there: this is seed {seed}.",
        "시드 {before}번은 이미 있으므로 시드 {seed}번입니다."),
    "own.active": Text(
        "{runs} of your runs of this step are under way; their curves grow among the charts, under “Yours”.",
        "이 단계의 내 신경망 {runs}개를 학습하고 있습니다. 곡선은 차트 가운데 ‘내 기록’에서 자랍니다."),
    "own.watch": Text("How far they are; pause or stop them", "진행 상황 보기, 일시 중지하거나 멈추기"),
    "own.none": Text(
        "You have no runs of this step yet; their curves will stand in charts of their own.",
        "이 단계의 내 기록은 아직 없습니다. 학습하면 별도의 차트에 표시됩니다."),
    "own.problem": Text("Nothing was started: {problem}", "시작하지 못했습니다: {problem}"),
    "shipped.none": Text(
        "No runs of this step come with this copy of the lab: yours will be the first.",
        "이 실험실에는 이 단계의 학습 기록이 포함되어 있지 않습니다. 직접 학습한 기록이 첫 기록이 됩니다."),
    "shipped.one_depth": Text(
        "Of plain nets only one depth comes with the lab: whether a deeper one is worse, your own two runs can show.",
        "실험실에는 한 가지 깊이의 일반 신경망만 포함되어 있습니다. 더 깊은 신경망이 더 나쁜지는 직접 학습한 두 "
        "기록이 보여 줍니다."),

    # ---- on from here
    "on.title": Text("On from here", "더 살펴보기"),
    "on.build": Text("Take this block apart", "이 블록 분해하기"),
    "on.build_own": Text("Build a block of your own", "나만의 블록 만들기"),
    "on.compare": Text("Compare these runs in detail", "이 기록들 자세히 비교하기"),
    "on.look": Text("Look inside these nets", "이 신경망들 들여다보기"),
    "on.tables": Text("The papers' tables beside ours", "논문의 표와 나란히 보기"),
    "on.claims": Text("The papers' claims on trial", "논문의 주장 검증하기"),
}
# fmt: on


def speaking(language: str) -> Say:
    """say(key, ...) in that language."""

    def say(key: str, /, **values: object) -> str:
        text: str = getattr(TEXTS[key], language)
        return text.format(**values) if values else text

    return say
