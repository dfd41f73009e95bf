"""The sentences of the video tab."""

from app.text import register
from app.video import MAX_FRAMES

register(
    "studio",
    {
        "tab_video": ("Video", "视频"),
        "video_lead": (
            f"A clip of up to {MAX_FRAMES} frames becomes a depth video and a 16-bit PNG sequence, "
            "steadied over time. The settings are those of “One photo”.",
            f"不超过 {MAX_FRAMES} 帧的视频会变成深度视频和 16 位 PNG 序列，并在时间上平稳处理。"
            "设置与“单张照片”相同。",
        ),
        "video_file": (
            "Video (MP4, MOV, WebM, MKV, AVI, TS, MPG, animated GIF, PNG or WebP)",
            "视频（MP4、MOV、WebM、MKV、AVI、TS、MPG，或 GIF、PNG、WebP 动图）",
        ),
        "video_steady": ("Steady over time", "时间平稳"),
        "video_steady_info": (
            "Takes the flicker out of what stands still; cuts and motion are followed at once.",
            "消除静止部分的闪烁；镜头切换与运动会立即跟随。",
        ),
        "video_run": ("Estimate depth", "估计深度"),
        "video_result": ("Video and depth", "视频与深度"),
        "video_files": ("Video and PNG sequence", "视频与 PNG 序列"),
        "progress_video_depth": (
            "Depth: frame {done} of {total}, {left} left",
            "深度：第 {done} / {total} 帧，剩余 {left}",
        ),
        "progress_video_video": (
            "Video: frame {done} of {total}, {left} left",
            "视频：第 {done} / {total} 帧，剩余 {left}",
        ),
        "no_video": (
            "There is no video yet, expected one: drop or choose a clip first.",
            "还没有视频：请先拖入或选择一段视频。",
        ),
        "video_told": (
            "{frames} frames, {cuts} cuts; flicker {before} frame by frame, {after} steadied; "
            "colours from {near} to {far}",
            "{frames} 帧，{cuts} 处切换；逐帧闪烁 {before}，平稳后 {after}；颜色 {near} 至 {far}",
        ),
        "video_cut_short": (
            "The file is cut short or damaged: what is missing has no depth",
            "文件不完整或已损坏：缺失的部分没有深度",
        ),
        "video_no_static": ("not measurable (nothing stands still)", "无法测量（没有静止部分）"),
        "live_lead": (
            "Live: start the camera and see its depth at the rate that this machine gives. "
            "Pictures that come too fast are dropped. Nothing is stored.",
            "实时：打开摄像头，按本机的速度显示深度。来不及处理的画面会被丢弃，不会保存任何内容。",
        ),
        "live_camera": ("Camera", "摄像头"),
        "live_alt": ("Depth of the camera's picture", "摄像头画面的深度"),
        "live_told": (
            "{rate} pictures a second, {ms} ms each; {near} (bright) to {far} (dark); {model}",
            "每秒 {rate} 幅，每幅 {ms} 毫秒；{near}（亮）至 {far}（暗）；{model}",
        ),
    },
)
