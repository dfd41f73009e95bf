# Both pages in one container, as a user without rights.
#
#   docker build -t lapdepth-studio .                             # CPU
#   docker build -t lapdepth-studio:cuda --build-arg VARIANT=cuda .
#   docker run --rm --init -p 127.0.0.1:7860:7860 -p 127.0.0.1:8501:8501 lapdepth-studio
#
# The steps are the Makefile's own: what works with `make setup` works here.
FROM python:3.11-slim-bookworm

# cpu: torch's small build. cuda: the build of pip's usual index, which brings the CUDA libraries
# along; the host needs NVIDIA's driver and container toolkit (docker run --gpus all).
ARG VARIANT=cpu
# Another package index for torch, whatever the variant.
ARG TORCH_INDEX=

RUN apt-get update \
 && apt-get install -y --no-install-recommends make \
 && rm -rf /var/lib/apt/lists/*

# 1000 is also the user that Hugging Face runs a Space as.
RUN useradd --create-home --uid 1000 studio \
 && install --directory --owner studio --group studio /home/studio/.cache
WORKDIR /home/studio/app

# As root, so that the system libraries of 3D can be installed; before the sources, so that a
# change of those does not install everything again.
COPY Makefile requirements.txt requirements-overrides.txt constraints.txt ./
COPY scripts/system_libs.py scripts/torch_index.py scripts/
ENV PIP_NO_CACHE_DIR=1
RUN case "$VARIANT" in \
      cpu) index="${TORCH_INDEX:-https://download.pytorch.org/whl/cpu}" ;; \
      cuda) index="${TORCH_INDEX:-https://pypi.org/simple}" ;; \
      *) echo "VARIANT is '$VARIANT'; expected cpu or cuda." >&2; exit 2 ;; \
    esac \
 && make setup TORCH_INDEX="$index" \
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

# Every page that was started has to answer; the depth page does once its model is loaded.
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=3 \
    CMD [".venv/bin/python", "-m", "app.demo", "--check"]

# Not through make, so that a stop signal reaches the program itself.
CMD [".venv/bin/python", "-m", "app.demo"]
