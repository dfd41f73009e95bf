"""What is said about results and models, in English and Chinese."""

RESULTS: dict[str, dict[str, tuple[str, str]]] = {
    "summary": {
        "depth": ("Depth", "深度"),
        "range": ("{low} to {high}, median {middle}", "{low} 至 {high}，中位 {middle}"),
        "model": ("Model", "模型"),
        "metric": ("metric: values are metres", "以米为单位的深度"),
        "relative": (
            "relative: right up to one factor per photo, not metres",
            "相对深度：每张照片相差一个比例，不是米",
        ),
        "not_metric": (
            "not metres for this photo and these settings: see the notes",
            "对此照片及设置，数值不是米：请看说明",
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
        "choice_none": (
            "there is no auto.json beside the models, so no photo chose its model: {model} was "
            "taken; choose another where it does not suit",
            "模型旁没有 auto.json，照片无法选择模型：使用了 {model}；如不合适请另选",
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
    "measured": {
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
    "batch": {
        "counts": ("{done} done, {failed} failed.", "完成 {done} 张，失败 {failed} 张。"),
        "left_out": ("Left out, since no pictures: {count}.", "已略过非图片文件：{count} 个。"),
        "photo": ("Photo", "照片"),
        "status": ("Result", "结果"),
        "note": ("What to do", "处理办法"),
        "done": ("done", "完成"),
        "skipped": ("done", "完成"),
        "failed": ("failed", "失败"),
    },
    "about": {
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
}
