# The dream in a container, without root. Pictures are read and written in /pictures:
#     docker build -t deepdream-caffe .
#     docker run --rm -v "$PWD:/pictures" --user "$(id -u):$(id -g)" deepdream-caffe \
#         dream photo.jpg
FROM python:3.13-slim-bookworm AS build
COPY . /source
RUN python -m venv /opt/deepdream \
    && /opt/deepdream/bin/pip install --no-cache-dir --disable-pip-version-check \
        -c /source/constraints.txt "/source[compat,evaluate,download,hdf5]"

FROM python:3.13-slim-bookworm
COPY --from=build /opt/deepdream /opt/deepdream
# Downloads, nets and compiled loops; open to all, as --user may name anybody.
ENV PATH=/opt/deepdream/bin:$PATH DEEPDREAM_HOME=/var/cache/deepdream
RUN mkdir -m 1777 /var/cache/deepdream /pictures
USER 1000:1000
WORKDIR /pictures
# A first dream compiles the engine's loops, for this processor, so that no later one waits for it.
RUN python -c "import numpy, PIL.Image; PIL.Image.fromarray( \
        numpy.random.RandomState(0).randint(0, 256, (150, 200, 3), 'uint8')).save('noise.png')" \
    && deepdream dream noise.png -o dream.png --iterations 1 \
    && rm noise.png dream.png \
    && chmod -R a+rwX /var/cache/deepdream/*
ENTRYPOINT ["deepdream"]
CMD ["--help"]
