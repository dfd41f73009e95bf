"""Depth in metres -> colours, by table.

Row 0 of a table is the near end. All maps grow or fall steadily in lightness and keep their order
for readers with a colour vision deficiency; rainbow maps such as jet or turbo do not, and are left
out on purpose.

viridis, inferno, magma, plasma (van der Walt, Smith and Firing, 2015) and cividis (Nunez, Anderton
and Renslow, 2018) are those of Matplotlib, released under CC0. blue_orange was made for this
project: CIELAB lightness falls linearly and equally on both sides of a light grey middle (L* 95 to
36), hue is constant on each side, and blue against orange stays distinct with any common colour
vision deficiency.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError, DataError

TABLES: dict[str, str] = {
    "viridis": (
        "44015444025645045745055946075a46085c460a5d460b5e470d60470e61471063471164471365481467481668"
        "48176948186a481a6c481b6d481c6e481d6f481f70482071482173482374482475482576482677482878482979"
        "472a7a472c7a472d7b472e7c472f7d46307e46327e46337f463480453581453781453882443983443a83443b84"
        "433d84433e85423f854240864241864142874144874045884046883f47883f48893e49893e4a893e4c8a3d4d8a"
        "3d4e8a3c4f8a3c508b3b518b3b528b3a538b3a548c39558c39568c38588c38598c375a8c375b8d365c8d365d8d"
        "355e8d355f8d34608d34618d33628d33638d32648e32658e31668e31678e31688e30698e306a8e2f6b8e2f6c8e"
        "2e6d8e2e6e8e2e6f8e2d708e2d718e2c718e2c728e2c738e2b748e2b758e2a768e2a778e2a788e29798e297a8e"
        "297b8e287c8e287d8e277e8e277f8e27808e26818e26828e26828e25838e25848e25858e24868e24878e23888e"
        "23898e238a8d228b8d228c8d228d8d218e8d218f8d21908d21918c20928c20928c20938c1f948c1f958b1f968b"
        "1f978b1f988b1f998a1f9a8a1e9b8a1e9c891e9d891f9e891f9f881fa0881fa1881fa1871fa28720a38620a486"
        "21a58521a68522a78522a88423a98324aa8325ab8225ac8226ad8127ad8128ae8029af7f2ab07f2cb17e2db27d"
        "2eb37c2fb47c31b57b32b67a34b67935b77937b87838b9773aba763bbb753dbc743fbc7340bd7242be7144bf70"
        "46c06f48c16e4ac16d4cc26c4ec36b50c46a52c56954c56856c66758c7655ac8645cc8635ec96260ca6063cb5f"
        "65cb5e67cc5c69cd5b6ccd5a6ece5870cf5773d05675d05477d1537ad1517cd2507fd34e81d34d84d44b86d549"
        "89d5488bd6468ed64590d74393d74195d84098d83e9bd93c9dd93ba0da39a2da37a5db36a8db34aadc32addc30"
        "b0dd2fb2dd2db5de2bb8de29bade28bddf26c0df25c2df23c5e021c8e020cae11fcde11dd0e11cd2e21bd5e21a"
        "d8e219dae319dde318dfe318e2e418e5e419e7e419eae51aece51befe51cf1e51df4e61ef6e620f8e621fbe723"
        "fde725"
    ),
    "inferno": (
        "00000401000501010601010802010a02020c02020e03021004031204031405041706041907051b08051d09061f"
        "0a07220b07240c08260d08290e092b10092d110a30120a32140b34150b37160b39180c3c190c3e1b0c411c0c43"
        "1e0c451f0c48210c4a230c4c240c4f260c51280b53290b552b0b572d0b592f0a5b310a5c320a5e340a5f360961"
        "3809623909633b09643d09653e0966400a67420a68440a68450a69470b6a490b6a4a0c6b4c0c6b4d0d6c4f0d6c"
        "510e6c520e6d540f6d550f6d57106e59106e5a116e5c126e5d126e5f136e61136e62146e64156e65156e67166e"
        "69166e6a176e6c186e6d186e6f196e71196e721a6e741a6e751b6e771c6d781c6d7a1d6d7c1d6d7d1e6d7f1e6c"
        "801f6c82206c84206b85216b87216b88226a8a226a8c23698d23698f2469902568922568932667952667972766"
        "9827669a28659b29649d29649f2a63a02a63a22b62a32c61a52c60a62d60a82e5fa92e5eab2f5ead305dae305c"
        "b0315bb1325ab3325ab43359b63458b73557b93556ba3655bc3754bd3853bf3952c03a51c13a50c33b4fc43c4e"
        "c63d4dc73e4cc83f4bca404acb4149cc4248ce4347cf4446d04545d24644d34743d44842d54a41d74b3fd84c3e"
        "d94d3dda4e3cdb503bdd513ade5238df5337e05536e15635e25734e35933e45a31e55c30e65d2fe75e2ee8602d"
        "e9612bea632aeb6429eb6628ec6726ed6925ee6a24ef6c23ef6e21f06f20f1711ff1731df2741cf3761bf37819"
        "f47918f57b17f57d15f67e14f68013f78212f78410f8850ff8870ef8890cf98b0bf98c0af98e09fa9008fa9207"
        "fa9407fb9606fb9706fb9906fb9b06fb9d07fc9f07fca108fca309fca50afca60cfca80dfcaa0ffcac11fcae12"
        "fcb014fcb216fcb418fbb61afbb81dfbba1ffbbc21fbbe23fac026fac228fac42afac62df9c72ff9c932f9cb35"
        "f8cd37f8cf3af7d13df7d340f6d543f6d746f5d949f5db4cf4dd4ff4df53f4e156f3e35af3e55df2e661f2e865"
        "f2ea69f1ec6df1ed71f1ef75f1f179f2f27df2f482f3f586f3f68af4f88ef5f992f6fa96f8fb9af9fc9dfafda1"
        "fcffa4"
    ),
    "magma": (
        "00000401000501010601010802010902020b02020d03030f03031204041405041606051806051a07061c08071e"
        "0907200a08220b09240c09260d0a290e0b2b100b2d110c2f120d31130d34140e36150e38160f3b180f3d19103f"
        "1a10421c10441d11471e114920114b21114e22115024125325125527125829115a2a115c2c115f2d11612f1163"
        "31116533106734106936106b38106c390f6e3b0f703d0f713f0f72400f74420f75440f76451077471078491078"
        "4a10794c117a4e117b4f127b51127c52137c54137d56147d57157e59157e5a167e5c167f5d177f5f187f601880"
        "621980641a80651a80671b80681c816a1c816b1d816d1d816e1e81701f81721f81732081752181762181782281"
        "7922827b23827c23827e24828025828125818326818426818627818827818928818b29818c29818e2a81902a81"
        "912b81932b80942c80962c80982d80992d809b2e7f9c2e7f9e2f7fa02f7fa1307ea3307ea5317ea6317da8327d"
        "aa337dab337cad347cae347bb0357bb2357bb3367ab5367ab73779b83779ba3878bc3978bd3977bf3a77c03a76"
        "c23b75c43c75c53c74c73d73c83e73ca3e72cc3f71cd4071cf4070d0416fd2426fd3436ed5446dd6456cd8456c"
        "d9466bdb476adc4869de4968df4a68e04c67e24d66e34e65e44f64e55064e75263e85362e95462ea5661eb5760"
        "ec5860ed5a5fee5b5eef5d5ef05f5ef1605df2625df2645cf3655cf4675cf4695cf56b5cf66c5cf66e5cf7705c"
        "f7725cf8745cf8765cf9785df9795df97b5dfa7d5efa7f5efa815ffb835ffb8560fb8761fc8961fc8a62fc8c63"
        "fc8e64fc9065fd9266fd9467fd9668fd9869fd9a6afd9b6bfe9d6cfe9f6dfea16efea36ffea571fea772fea973"
        "feaa74feac76feae77feb078feb27afeb47bfeb67cfeb77efeb97ffebb81febd82febf84fec185fec287fec488"
        "fec68afec88cfeca8dfecc8ffecd90fecf92fed194fed395fed597fed799fed89afdda9cfddc9efddea0fde0a1"
        "fde2a3fde3a5fde5a7fde7a9fde9aafdebacfcecaefceeb0fcf0b2fcf2b4fcf4b6fcf6b8fcf7b9fcf9bbfcfbbd"
        "fcfdbf"
    ),
    "plasma": (
        "0d088710078813078916078a19068c1b068d1d068e20068f2206902406912605912805922a05932c05942e0595"
        "2f059631059733059735049837049938049a3a049a3c049b3e049c3f049c41049d43039e44039e46039f48039f"
        "4903a04b03a14c02a14e02a25002a25102a35302a35502a45601a45801a45901a55b01a55c01a65e01a66001a6"
        "6100a76300a76400a76600a76700a86900a86a00a86c00a86e00a86f00a87100a87201a87401a87501a87701a8"
        "7801a87a02a87b02a87d03a87e03a88004a88104a78305a78405a78606a68707a68808a68a09a58b0aa58d0ba5"
        "8e0ca48f0da4910ea3920fa39410a29511a19613a19814a099159f9a169f9c179e9d189d9e199da01a9ca11b9b"
        "a21d9aa31e9aa51f99a62098a72197a82296aa2395ab2494ac2694ad2793ae2892b02991b12a90b22b8fb32c8e"
        "b42e8db52f8cb6308bb7318ab83289ba3388bb3488bc3587bd3786be3885bf3984c03a83c13b82c23c81c33d80"
        "c43e7fc5407ec6417dc7427cc8437bc9447aca457acb4679cc4778cc4977cd4a76ce4b75cf4c74d04d73d14e72"
        "d24f71d35171d45270d5536fd5546ed6556dd7566cd8576bd9586ada5a6ada5b69db5c68dc5d67dd5e66de5f65"
        "de6164df6263e06363e16462e26561e26660e3685fe4695ee56a5de56b5de66c5ce76e5be76f5ae87059e97158"
        "e97257ea7457eb7556eb7655ec7754ed7953ed7a52ee7b51ef7c51ef7e50f07f4ff0804ef1814df1834cf2844b"
        "f3854bf3874af48849f48948f58b47f58c46f68d45f68f44f79044f79143f79342f89441f89540f9973ff9983e"
        "f99a3efa9b3dfa9c3cfa9e3bfb9f3afba139fba238fca338fca537fca636fca835fca934fdab33fdac33fdae32"
        "fdaf31fdb130fdb22ffdb42ffdb52efeb72dfeb82cfeba2cfebb2bfebd2afebe2afec029fdc229fdc328fdc527"
        "fdc627fdc827fdca26fdcb26fccd25fcce25fcd025fcd225fbd324fbd524fbd724fad824fada24f9dc24f9dd25"
        "f8df25f8e125f7e225f7e425f6e626f6e826f5e926f5eb27f4ed27f3ee27f3f027f2f227f1f426f1f525f0f724"
        "f0f921"
    ),
    "cividis": (
        "00224e00234f00245100255300255400265600275800285900285b00295d002a5f002a61002b62002c64002c66"
        "002d68002e6a002e6c002f6d00306f0030700031700031710132710533710833700c34700f3570123570143670"
        "16377018376f1a386f1c396f1e3a6f203a6f213b6e233c6e243c6e263d6e273e6e293f6e2a3f6d2b406d2d416d"
        "2e416d2f426d31436d32436d33446d34456c35456c36466c38476c39486c3a486c3b496c3c4a6c3d4a6c3e4b6c"
        "3f4c6c404c6c414d6c424e6c434e6c444f6c45506c46516c47516c48526c49536c4a536c4b546c4c556c4d556c"
        "4e566c4f576c50576c51586d52596d535a6d545a6d555b6d555c6d565c6d575d6d585e6d595e6e5a5f6e5b606e"
        "5c616e5d616e5e626e5e636f5f636f60646f61656f62656f636670646770656870656870666970676a71686a71"
        "696b716a6c716b6d726c6d726c6e726d6f726e6f736f7073707173717274727274727374737475747475757575"
        "7676767777767777777878777979777a7a787b7a787c7b787d7c787e7c787e7d787f7e78807f78817f78828079"
        "8381798482798582798683798784788885788985788a86788b87788c88788d88788e89788f8a78908b78918b78"
        "928c78928d78938e78948e77958f779690779791779892779992779a93769b94769c95769d95769e96769f9775"
        "a09875a19975a29975a39a74a49b74a59c74a69c74a79d73a89e73a99f73aaa073aba072aca172ada272aea371"
        "afa471b0a571b1a570b3a670b4a76fb5a86fb6a96fb7a96eb8aa6eb9ab6dbaac6dbbad6dbcae6cbdae6cbeaf6b"
        "bfb06bc0b16ac1b26ac2b369c3b369c4b468c5b568c6b667c7b767c8b866c9b965cbb965ccba64cdbb63cebc63"
        "cfbd62d0be62d1bf61d2c060d3c05fd4c15fd5c25ed6c35dd7c45cd9c55cdac65bdbc75adcc859ddc858dec958"
        "dfca57e0cb56e1cc55e2cd54e4ce53e5cf52e6d051e7d150e8d24fe9d34eead34cebd44bedd54aeed649efd748"
        "f0d846f1d945f2da44f3db42f5dc41f6dd3ff7de3ef8df3cf9e03afbe138fce236fde334fee434fee535fee636"
        "fee838"
    ),
    "blue_orange": (
        "005895005996005b97005c98005d9a005e9b005f9c01609d06619e0b629f1063a01464a11866a21b67a31e68a4"
        "2169a5236aa6266ba7286ca82b6da92d6eaa3070ab3271ac3472ad3673ae3874af3a75b03c76b13e78b24079b3"
        "427ab4447bb5467cb5487db64a7eb74c80b84e81b95082ba5283bb5484bc5685bc5886bd5988be5b89bf5d8ac0"
        "5f8bc0618cc1638dc2648fc36690c46891c46a92c56c93c66d94c76f96c87197c87398c97499ca769acb789ccb"
        "7a9dcc7c9ecd7d9fcd7fa0ce81a2cf83a3d084a4d086a5d188a6d28aa8d28ba9d38daad48fabd491acd592aed6"
        "94afd696b0d798b1d799b2d89bb4d99db5d99fb6daa0b7dba2b9dba4badca6bbdca7bcdda9bddeabbfdeadc0df"
        "aec1dfb0c2e0b2c4e0b4c5e1b5c6e1b7c7e2b9c9e2bbcae3bccbe4becce4c0cee5c2cfe5c3d0e6c5d1e6c7d3e7"
        "c9d4e7cbd5e8ccd6e8ced8e8d0d9e9d2dae9d3dbead5ddead7deebd9dfebdae1ecdce2ecdee3ece0e4ede1e6ed"
        "e3e7eee5e8eee7eaeee9ebefeaecefecedf0eeeff0f0f0f0f1f0eff0eeedf0edebf0ebe8f0e9e6f0e8e4f0e6e1"
        "f0e5dfefe3ddefe2daefe0d8efded6efddd4eedbd1eedacfeed8cdedd7cbedd5c8edd3c6ecd2c4ecd0c2eccfc0"
        "ebcdbdebccbbeacab9eac9b7eac7b5e9c6b3e9c4b1e8c3aee8c1ace7c0aae7bea8e6bda6e5bba4e5baa2e4b8a0"
        "e4b79ee3b59ce3b49ae2b298e1b196e1af94e0ae92dfac90dfab8edea98cdda88adda688dca586dba384dba282"
        "daa180d99f7ed89e7cd79c7bd79b79d69977d59875d49673d49571d3946fd2926ed1916cd08f6acf8e68ce8d66"
        "ce8b65cd8a63cc8861cb875fca865ec9845cc8835ac78158c68057c57f55c47d53c37c52c27b50c1794ec0784d"
        "bf774bbe7549bd7448bc7346bb7144ba7043b96f41b86d40b76c3eb66b3db5693bb46839b36738b26536b16435"
        "b06333af6232ad6030ac5f2fab5e2daa5c2ca95b2aa85a29a75927a55726a45624a35523a25422a152209f511f"
        "9e501d9d4f1c9c4d1a9b4c19994b18984a1697491596471394461293451092440f91430d8f420c8e410a8d3f09"
        "8b3e07"
    ),
}


DEFAULT_COLORMAP = "inferno"
INVALID_COLOR = (128, 128, 128)  # where there is no depth
_ROWS = 32  # a strip stays in the cache
_RANGE_SAMPLES = 250_000
_PERCENTILES = (1.0, 99.0)


@dataclass(frozen=True)
class Colormap:
    """One colour table.

    Attributes:
        name: key in `COLORMAPS`.
        table: (256, 3) uint8 sRGB, nearest first.
    """

    name: str
    table: NDArray[np.uint8]

    @cached_property
    def pairs(self) -> NDArray[np.uint8]:
        """(65536, 6): the colours of two neighbouring pixels, by their two bytes as one number."""
        both = np.arange(1 << 16, dtype=np.uint16).view(np.uint8)
        return self.table[both].reshape(-1, 6)


def _table(name: str, *, bright_first: bool) -> Colormap:
    rows = np.frombuffer(bytes.fromhex(TABLES[name]), np.uint8).reshape(256, 3)
    table = np.ascontiguousarray(rows[::-1] if bright_first else rows)
    table.flags.writeable = False
    return Colormap(name, table)


def _grey() -> Colormap:
    table = np.repeat(np.arange(255, -1, -1, dtype=np.uint8)[:, np.newaxis], 3, axis=1)
    table.flags.writeable = False
    return Colormap("grey", table)


# Near is bright: what is close to the camera stands out, as readers of depth maps expect.
COLORMAPS: dict[str, Colormap] = {
    name: _table(name, bright_first=True)
    for name in ("inferno", "viridis", "magma", "plasma", "cividis")
} | {"grey": _grey()}

# For signed differences: blue below zero, light grey at zero, orange above.
SIGNED = _table("blue_orange", bright_first=False)


def colorize(
    depth: NDArray[np.floating],
    name: str = DEFAULT_COLORMAP,
    near: float | None = None,
    far: float | None = None,
) -> NDArray[np.uint8]:
    """Colour a depth map.

    Args:
        depth: (H, W) metres; NaN or infinite where there is none.
        name: key of `COLORMAPS`.
        near: metres shown in the first colour, as is everything nearer; default `auto_range`'s.
        far: metres shown in the last colour, as is everything farther; default `auto_range`'s.

    Returns:
        (H, W, 3) uint8 sRGB; `INVALID_COLOR` where there is no depth.

    Raises:
        ConfigError: no such map, or a range that is not near < far.
    """
    return _lookup(depth, name, near, far).whole()


def display_range(
    depth: NDArray[np.floating], near: float | None = None, far: float | None = None
) -> tuple[float, float]:
    """The range that `colorize` shows: the given ends, and `auto_range` for those not given.

    Args:
        depth: (H, W) metres; without any finite value the range is 0 to 1.
        near: metres, or None.
        far: metres, or None. A single given end beyond the other, measured one moves that one.
    """
    if near is not None and far is not None:
        return near, far
    try:
        measured = auto_range(depth)
    except DataError:
        measured = (0.0, 1.0)
    return range_with_ends(measured, near, far)


def range_with_ends(
    measured: tuple[float, float], near: float | None, far: float | None
) -> tuple[float, float]:
    """A measured range with the ends that were given, which the measured ones give way to."""
    if near is not None and far is not None:
        return near, far
    if far is not None:
        return min(measured[0], far - _narrowest(far)), far
    if near is not None:
        return near, max(measured[1], near + _narrowest(near))
    return measured


def auto_range(depth: NDArray[np.floating]) -> tuple[float, float]:
    """A display range that a few odd pixels cannot spoil: 1st and 99th percentile, in metres.

    Large maps are sampled on a regular grid, so the answer is always the same.

    Args:
        depth: (H, W) metres; NaN and infinite values are left out.

    Returns:
        (near, far), near < far always, also for a constant map.

    Raises:
        DataError: no finite value at all.
    """
    step = max(1, math.isqrt(depth.size // _RANGE_SAMPLES))
    samples = depth[::step, ::step]
    samples = samples[np.isfinite(samples)]
    if samples.size == 0:  # sparse maps may miss the grid
        samples = depth[np.isfinite(depth)]
    if samples.size == 0:
        raise DataError("The depth map has no finite value, expected metres: predict it again.")
    near, far = (float(value) for value in np.percentile(samples, _PERCENTILES))
    if far - near < _narrowest(far):  # flat: open the range a little around it
        middle, half = (near + far) / 2, _narrowest(far) / 2
        near, far = middle - half, middle + half
    return near, far


def _narrowest(end: float) -> float:
    """The narrowest range worth 256 colours near `end` metres: a thousandth of it."""
    return 1e-3 * max(abs(end), 1e-3)


def color_strips(
    depth: NDArray[np.floating],
    name: str = DEFAULT_COLORMAP,
    near: float | None = None,
    far: float | None = None,
) -> Callable[[int, int], NDArray[np.uint8]]:
    """`colorize`, some rows at a time: for writers that need no whole coloured picture.

    Args:
        depth: see `colorize`.
        name: see `colorize`.
        near: see `colorize`.
        far: see `colorize`.

    Returns:
        A function: (first row, row after the last) to (rows, W, 3) uint8 sRGB.

    Raises:
        ConfigError: as `colorize`.
    """
    return _lookup(depth, name, near, far)


def _lookup(
    depth: NDArray[np.floating], name: str, near: float | None, far: float | None
) -> _Lookup:
    if name not in COLORMAPS:
        raise ConfigError(
            f"There is no colour map {name!r}, expected one of {', '.join(COLORMAPS)}: pick one."
        )
    return _Lookup(depth, COLORMAPS[name], *display_range(depth, near, far))


class _Lookup:
    """Values to colours by table: callable for a strip of rows, `whole` for all of them."""

    def __init__(
        self, values: NDArray[np.floating], colormap: Colormap, low: float, high: float
    ) -> None:
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ConfigError(
                f"The colour range goes from {low:g} to {high:g}, expected two finite numbers, "
                "the first below the second: change one."
            )
        self._values, self._colormap = values, colormap
        self._scale = np.float32(255 / (high - low))
        # + 0.5: the cast to integers cuts off.
        self._offset = np.float32(0.5 - low * 255 / (high - low))

    def __call__(
        self, top: int, bottom: int, out: NDArray[np.uint8] | None = None
    ) -> NDArray[np.uint8]:
        strip = np.multiply(self._values[top:bottom], self._scale, dtype=np.float32)
        strip += self._offset
        # A sum of Python's floats: NaN and infinity both spread, without a warning.
        odd = not math.isfinite(float(strip.min()) + float(strip.max()))
        invalid = ~np.isfinite(strip) if odd else None
        if invalid is not None:
            strip[invalid] = 0
        np.clip(strip, 0, 255, out=strip)
        if out is None:
            out = np.empty((*strip.shape, 3), np.uint8)
        self._colour(strip.astype(np.uint8).reshape(-1), out.reshape(-1))
        if invalid is not None:
            out[invalid] = INVALID_COLOR
        return out

    def _colour(self, places: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        """Two pixels at a time, which takes half the time; the last of an odd number alone."""
        even = places.size & ~1
        pairs = out[: 3 * even].reshape(-1, 6)
        # mode="clip" is what lets take() write straight into `out`.
        np.take(self._colormap.pairs, places[:even].view(np.uint16), 0, out=pairs, mode="clip")
        out[3 * even :] = self._colormap.table[places[even:]].reshape(-1)

    def whole(self) -> NDArray[np.uint8]:
        """(H, W, 3), filled in strips that stay in the cache."""
        height = len(self._values)
        colours = np.empty((*self._values.shape, 3), np.uint8)
        for top in range(0, height, _ROWS):
            self(top, min(top + _ROWS, height), colours[top : top + _ROWS])
        return colours
