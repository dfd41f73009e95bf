"""Every sentence the apps show, in English and Chinese, looked up by one function.

A key is "section.name". The Gradio app's sections are in this file; a page with many sentences
of its own keeps them beside itself and adds them with `register`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

LANGUAGES = ("en", "zh")


class Phrase(NamedTuple):
    """One sentence in each language; `{name}` marks a value filled in by `t`."""

    en: str
    zh: str


_PHRASES: dict[str, Phrase] = {}


def register(section: str, phrases: Mapping[str, tuple[str, str]]) -> None:
    """Adds a table of (English, Chinese) pairs under "section."; repeating a table is harmless.

    Raises:
        ValueError: a key is already taken by a different sentence.
    """
    for name, pair in phrases.items():
        key, phrase = f"{section}.{name}", Phrase(*pair)
        if _PHRASES.setdefault(key, phrase) != phrase:
            raise ValueError(f"The text {key!r} is defined twice with different sentences.")


def t(key: str, lang: str = "en", **values: object) -> str:
    """The sentence `key` in `lang` (English for a language without a table).

    Raises:
        KeyError: no such sentence; a bug, never a user's mistake.
    """
    phrase = _PHRASES[key]
    text = phrase.zh if lang == "zh" else phrase.en
    return text.format(**values) if values else text


def language_of(accept_language: str | None) -> str:
    """The first language of an HTTP Accept-Language header that has a table, else English."""
    for part in (accept_language or "").split(","):
        code = part.split(";")[0].strip().lower()[:2]
        if code in LANGUAGES:
            return code
    return "en"


def table(section: str, lang: str) -> dict[str, str]:
    """A whole section in one language, without its prefix."""
    start = f"{section}."
    return {key.removeprefix(start): t(key, lang) for key in _PHRASES if key.startswith(start)}


def keys() -> tuple[str, ...]:
    """All registered keys, for the tests that check the tables."""
    return tuple(_PHRASES)


register(
    "view",
    {
        "canvas": (
            "Depth picture. Move with the arrow keys, mark a pixel with Enter.",
            "深度图。用方向键移动，按回车键标记像素。",
        ),
        "empty": (
            "Choose a photo and its depth appears here.\n\n"
            "Then move over the picture to read metres, compare it with the photo,\n"
            "turn the scene in 3D, measure between two points, or save the files.",
            "选择一张照片，深度会显示在这里。\n\n"
            "然后可以在图上移动读取米数、与照片对比、\n旋转三维场景、测量两点距离或保存文件。",
        ),
        "none": ("no depth here", "此处没有深度"),
        "expired": (
            "This result has expired on the server. Choose the photo again.",
            "该结果已在服务器上过期，请重新选择照片。",
        ),
        "distance": ("Two points", "两点距离"),
        "box": ("Box", "方框"),
        "depth": ("Depth", "深度"),
        "both": ("Both", "叠加"),
        "photo": ("Photo", "照片"),
        "hint_point": (
            "Move over the picture to read metres; click to pin a point.",
            "在图上移动可读取米数；点击可固定一个点。",
        ),
        "hint_distance": (
            "Click two points to measure the distance between them in space.",
            "点击两个点，测量它们在空间中的距离。",
        ),
        "hint_box": (
            "Drag a box around something to get its nearest and median distance.",
            "拖出一个方框，得到其中最近距离和中位距离。",
        ),
    },
)

register(
    "studio",
    {
        "title": ("LapDepth Studio", "LapDepth Studio"),
        "lead": (
            "One photo in, metric depth out: metres for every pixel, a point cloud, measurements.",
            "输入一张照片，得到以米为单位的深度：每个像素的距离、点云与测量。",
        ),
        "tab_photo": ("One photo", "单张照片"),
        "tab_batch": ("Many photos", "批量照片"),
        "tab_about": ("Models", "模型"),
        "photo": ("Your photo", "你的照片"),
        "drop": (
            "# Drop a photo here\nor click to choose one, paste it, or take one with the camera",
            "# 把照片拖到这里\n或点击选择、粘贴、用摄像头拍摄",
        ),
        "examples": ("Or try one of these", "或者试试这些示例"),
        "settings": ("Settings", "设置"),
        "model": ("Model", "模型"),
        "colormap": ("Colour map", "色图"),
        "range": ("Colour range", "颜色范围"),
        "range_auto": ("from the picture", "由图像决定"),
        "range_fixed": ("fixed", "固定"),
        "near": ("Near (m)", "近端（米）"),
        "far": ("Far (m)", "远端（米）"),
        "resolution": ("Working height (pixels)", "工作高度（像素）"),
        "resolution_info": (
            "Empty: the model's own. More pixels show finer borders and take longer.",
            "留空：使用模型自身的设置。像素越多，边缘越细，耗时越长。",
        ),
        "auto": ("automatic", "自动"),
        "flip": ("Average with the mirrored photo", "与镜像照片取平均"),
        "flip_info": ("A little more accurate, twice the time.", "略微更准确，时间加倍。"),
        "fov": ("Horizontal field of view (degrees)", "水平视场角（度）"),
        "fov_info": (
            "Empty: from the photo's EXIF, else that of the model's training camera.",
            "留空：取自照片 EXIF，否则取模型训练相机的视场角。",
        ),
        "tab_depth": ("Depth", "深度"),
        "tab_compare": ("Compare", "对比"),
        "tab_3d": ("3D", "三维"),
        "tab_measure": ("Measure", "测量"),
        "tab_files": ("Files", "文件"),
        "compare": ("Photo against depth", "照片与深度对比"),
        "compare_info": ("Drag the handle across the picture.", "左右拖动手柄进行比较。"),
        "cloud_kind": ("Show as", "显示为"),
        "shape_surface": ("surface", "曲面"),
        "shape_points": ("points", "点"),
        "shape_poisson": ("smooth surface (Poisson)", "平滑曲面（泊松）"),
        "edge_filter": ("Border filter", "边缘过滤"),
        "edge_filter_info": (
            "Drops points that float between a near and a far surface; 0 keeps all.",
            "去除悬浮在近、远表面之间的点；0 表示全部保留。",
        ),
        "space_more": ("More: limits, filters, pose", "更多：范围、过滤、位姿"),
        "far_limit": ("Farthest (m)", "最远（米）"),
        "voxel": ("One point per cell (cm)", "每格一点（厘米）"),
        "faces": ("Triangles (thousands)", "三角形（千）"),
        "confidence": ("Least confidence", "最低置信度"),
        "confidence_info": (
            "1 minus the expected relative error; 0 keeps all. Needs a model that states it.",
            "1 减去预期相对误差；0 表示全部保留。需要模型提供置信度。",
        ),
        "sky": ("Drop the sky", "去除天空"),
        "sky_info": (
            "By colour, from the upper border down: only for daylight outdoors.",
            "按颜色自上而下识别：仅适用于室外白天。",
        ),
        "outliers": ("Drop lone points", "去除孤立点"),
        "normals": ("Normals in the files", "文件中包含法线"),
        "pose": ("Camera pose (16 numbers)", "相机位姿（16 个数）"),
        "pose_info": (
            "4x4 camera-to-world, row by row: the files are then in world coordinates.",
            "4x4 相机到世界矩阵，按行填写：文件将使用世界坐标。",
        ),
        "tab_views": ("Views", "视图"),
        "views_lead": (
            "Rendered from the photo's surface. What the photo never saw is filled in from behind.",
            "由照片的曲面渲染。照片未拍到的部分用背景填充。",
        ),
        "view_kind": ("Show", "显示"),
        "view_clip": ("camera move", "镜头移动"),
        "view_stereo": ("stereo pair", "立体图像对"),
        "view_anaglyph": ("red-cyan glasses", "红青眼镜"),
        "view_object": ("object in the photo", "照片中的物体"),
        "object_across": ("Across (%)", "水平位置（%）"),
        "object_down": ("Down (%)", "垂直位置（%）"),
        "thing": ("Object", "物体"),
        "thing_ball": ("ball", "球"),
        "thing_cube": ("cube", "立方体"),
        "object_size": ("Size (m)", "大小（米）"),
        "object_back": ("Further away (m)", "向后移动（米）"),
        "object_note": (
            "The object stands {distance:.2f} m away; what stands nearer leaves {share:.0%} of it "
            "to be seen.",
            "物体距离 {distance:.2f} 米；未被更近物体遮挡的部分占 {share:.0%}。",
        ),
        "make_view": ("Make it", "生成"),
        "intrinsics": ("Camera fx, fy, cx, cy (pixels)", "相机 fx, fy, cx, cy（像素）"),
        "intrinsics_info": (
            "Instead of the field of view, where the camera is calibrated.",
            "相机已标定时，可代替视场角填写。",
        ),
        "calibrate": ("Calibrate by a known length", "用已知长度校准"),
        "calibrate_lead": (
            "Click both ends of something you know, type its true length, and the whole scene is "
            "rescaled; the factor is written into every file.",
            "点击已知物体的两端并输入真实长度，整个场景随之缩放；比例会写入每个文件。",
        ),
        "true_metres": ("True distance (m)", "真实距离（米）"),
        "calibrate_apply": ("Rescale", "缩放"),
        "calibrate_undo": ("Undo", "撤销"),
        "progress_view": ("Rendering", "正在渲染"),
        "build_3d": ("Build the 3D view", "生成三维视图"),
        "viewer": ("Drag to turn, scroll to zoom", "拖动旋转，滚轮缩放"),
        "measure_lead": (
            "Distances are between points in space, along straight lines, in metres.",
            "距离是空间中两点之间的直线距离，单位为米。",
        ),
        "numbers": ("All numbers (JSON, CSV)", "全部数值（JSON、CSV）"),
        "files_lead": (
            "Files are made when you ask for them, at the photo's full size.",
            "文件按需生成，尺寸与原照片相同。",
        ),
        "kinds": ("What to save", "要保存的内容"),
        "kind_color": ("Colour PNG", "彩色 PNG"),
        "kind_depth16": ("16-bit PNG", "16 位 PNG"),
        "kind_npy": ("NumPy .npy", "NumPy .npy"),
        "kind_npz": ("NumPy .npz", "NumPy .npz"),
        "kind_exr": ("OpenEXR", "OpenEXR"),
        "kind_levels": ("Levels .npz", "各层 .npz"),
        "kind_ply": ("Points .ply", "点云 .ply"),
        "kind_glb": ("Surface .glb", "曲面 .glb"),
        "kind_obj": ("Surface .obj (zip)", "曲面 .obj（zip）"),
        "kind_stereo": ("Stereo pair", "立体图像对"),
        "kind_anaglyph": ("Red-cyan stereo", "红青立体图"),
        "kind_clip": ("Camera move .mp4", "镜头移动 .mp4"),
        "make_files": ("Make the files", "生成文件"),
        "files": ("Ready to download", "可以下载"),
        "batch_files": ("Photos", "照片"),
        "batch_run": ("Estimate depth for all", "全部估计深度"),
        "batch_zip": ("Everything in one zip", "打包下载（zip）"),
        "batch_lead": (
            "Drop many photos, or a zip of them: each gets its files, and one bad photo does not "
            "stop the others.",
            "一次放入多张照片或一个 zip：每张都有自己的文件，一张出错不影响其他照片。",
        ),
        "progress_read": ("Reading the photo", "正在读取照片"),
        "progress_depth": ("Estimating depth", "正在估计深度"),
        "progress_draw": ("Drawing", "正在绘制"),
        "progress_cloud": ("Building the 3D view", "正在生成三维视图"),
        "progress_files": ("Writing files", "正在写文件"),
        "progress_batch": (
            "Photo {done} of {total}, {left} left",
            "第 {done} / {total} 张，剩余 {left}",
        ),
        "no_photo": (
            "There is no photo yet, expected one: drop or choose a photo first.",
            "还没有照片：请先拖入或选择一张照片。",
        ),
    },
)

register(
    "summary",
    {
        "depth": ("Depth", "深度"),
        "range": ("{low} to {high}, median {middle}", "{low} 至 {high}，中位 {middle}"),
        "model": ("Model", "模型"),
        "metric": ("metric: values are metres", "以米为单位的深度"),
        "relative": (
            "relative: right up to one factor per photo, not metres",
            "相对深度：每张照片相差一个比例，不是米",
        ),
        "accuracy": ("Accuracy", "精度"),
        "accuracy_of": (
            "{error:.1%} mean relative error, {share:.0%} of pixels within 25 %, on {data}",
            "在 {data} 上：平均相对误差 {error:.1%}，{share:.0%} 的像素误差在 25 % 以内",
        ),
        "accuracy_images": ("{name}, {count} images", "{name}，{count} 张图"),
        "accuracy_unknown": (
            "not measured with this program; treat the metres as a guess",
            "未用本程序测量；米数仅供参考",
        ),
        "choice": ("Chosen because", "选择依据"),
        "choice_indoor": (
            "the photo looks like indoors ({share:.0%})",
            "照片看起来在室内（{share:.0%}）",
        ),
        "choice_outdoor": (
            "the photo looks like outdoors ({share:.0%})",
            "照片看起来在室外（{share:.0%}）",
        ),
        "choice_doubt": (
            "That is doubtful: compare with the other model under Settings",
            "这并不确定：请在设置中与另一个模型比较",
        ),
        "trained_on": ("Trained on", "训练数据"),
        "licence": ("Licence", "许可"),
        "camera": ("Camera", "相机"),
        "camera_exif": ("from the photo's EXIF", "取自照片 EXIF"),
        "camera_given": ("from your field of view", "取自你给出的视场角"),
        "camera_assumed": (
            "assumed: the model's training camera; set the field of view if you know it",
            "假定为模型训练相机；如果知道视场角请填写",
        ),
        "camera_values": (
            "{fov:.0f}° across, focal length {focal:.0f} px",
            "水平 {fov:.0f}°，焦距 {focal:.0f} 像素",
        ),
        "focal_scale": ("Focal scale", "焦距比例"),
        "focal_scale_one": (
            "1, this model does not scale with the focal length",
            "1，该模型不随焦距缩放",
        ),
        "focal_scale_value": (
            "{value:.3f}: depth multiplied to fit this camera",
            "{value:.3f}：深度乘以该值以适合此相机",
        ),
        "scale": ("Scale", "比例"),
        "scale_value": (
            "×{scale:.3f}, from your known length of {metres:g} m",
            "×{scale:.3f}，依据已知长度 {metres:g} 米",
        ),
        "time": ("Time", "用时"),
        "time_value": ("{ms:.0f} ms for the depth", "深度估计 {ms:.0f} 毫秒"),
        "photo": ("Photo", "照片"),
        "note": ("Note", "说明"),
    },
)

register(
    "measured",
    {
        "point": (
            "at pixel {u}, {v}; {x} m right, {y} m down, {z} m ahead of the camera",
            "像素 {u}, {v}；相对相机：右 {x} 米，下 {y} 米，前 {z} 米",
        ),
        "distance": (
            "between the two points, in a straight line; their depths: {ends}",
            "两点之间的直线距离；两点深度：{ends}",
        ),
        "box": ("nearest in the box; median {median}", "方框内最近；中位 {median}"),
        "area": ("if it is a flat patch, {area} m²", "若为平面，面积 {area} 平方米"),
        "calibrated": (
            "in the scale of your known length (×{scale:.3f})",
            "按已知长度校准（×{scale:.3f}）",
        ),
        "height": ("{height} above the floor that was found", "高于识别到的地面 {height}"),
    },
)

register(
    "batch",
    {
        "counts": ("{done} done, {failed} failed.", "完成 {done} 张，失败 {failed} 张。"),
        "photo": ("Photo", "照片"),
        "status": ("Result", "结果"),
        "note": ("What to do", "处理办法"),
        "done": ("done", "完成"),
        "skipped": ("done", "完成"),
        "failed": ("failed", "失败"),
    },
)

register(
    "about",
    {
        "models": ("Installed models", "已安装的模型"),
        "none": (
            "No model is installed, expected at least one in the folder checkpoints.",
            "没有安装模型：checkpoints 文件夹中至少应有一个。",
        ),
        "values": ("Values", "数值"),
        "reach": ("Reach", "量程"),
        "method": (
            "LapDepth predicts a coarse depth map and refines it level by level, guided by the "
            "photo's own differences between scales (its Laplacian pyramid). The explorer shows "
            "every step on your photo.",
            "LapDepth 先预测粗糙的深度图，再以照片自身各尺度间的差异"
            "（拉普拉斯金字塔）为引导逐级细化。"
            "探索器会在你的照片上展示每一步。",
        ),
        "limits": (
            "One photo does not fix the scale of a scene: the metres are learned from the training "
            "data. Scenes unlike it, mirrors, glass, very dark or very wide pictures can be far "
            "off. Do not use it where a wrong distance can hurt somebody.",
            "单张照片无法确定场景的尺度：米数来自训练数据。与训练数据差异大的场景、镜面、玻璃、"
            "过暗或超广角的图像可能误差很大。请勿用于距离错误会造成伤害的场合。",
        ),
        "camera": (
            "Depth is measured along the camera's axis. Positions and distances also need the "
            "field of view: it is taken from you, from the photo's EXIF, or assumed, and the page "
            "always says which.",
            "深度沿相机光轴测量。位置与距离还需要视场角：由你给出、取自照片 EXIF 或假定，"
            "页面总会注明来源。",
        ),
        "programs": (
            "Other programs use the same server; every endpoint is described under “Use via API” "
            "at the foot of the page:",
            "其他程序也可使用同一服务器；所有接口见页脚的“Use via API”：",
        ),
    },
)
