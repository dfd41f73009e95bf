# Both pages in one container, on the CPU, as a user without rights.
#
#   docker build -t lapdepth-studio --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu .
#   docker run --rm -p 127.0.0.1:7860:7860 -p 127.0.0.1:8501:8501 lapdepth-studio
#
# Without TORCH_INDEX pip takes torch from its usual index, which on Linux is the CUDA build.
# The steps are the Makefile's own: what works with `make setup` works here.
FROM python:3.11-slim-bookworm

ARG TORCH_INDEX=

RUN apt-get update \
 && apt-get install -y --no-install-recommends make \
 && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 10001 studio
WORKDIR /home/studio/app

# As root, so that the system libraries of 3D can be installed; before the sources, so that a
# change of those does not install everything again.
COPY Makefile requirements.txt requirements-overrides.txt constraints.txt ./
COPY scripts/system_libs.py scripts/system_libs.py
ENV PIP_NO_CACHE_DIR=1
RUN make setup TORCH_INDEX="$TORCH_INDEX" \
 && rm -rf /var/lib/apt/lists/*

COPY pyproject.toml README.md LICENSE ./
COPY core core
COPY app app
COPY assets assets
COPY checkpoints checkpoints

USER studio
ENV HOST=0.0.0.0 \
    GRADIO_PORT=7860 \
    STREAMLIT_PORT=8501 \
    PYTHONDONTWRITEBYTECODE=1
EXPOSE 7860 8501

# Both have to answer: the depth page once its model is loaded, and the explorer.
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=3 \
    CMD [".venv/bin/python", "-m", "app.demo", "--check"]

# Not through make, so that a stop signal reaches the program itself.
CMD [".venv/bin/python", "-m", "app.demo"]
