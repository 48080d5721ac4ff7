"""Writes a deploy prototxt, layer by layer. Every method that adds a layer returns the name of its top."""


class Writer:
    """Collects layers as prototxt text."""

    def __init__(self, name):
        self.lines = [f'name: "{name}"']

    def layer(self, name, kind, bottoms, top, *body):
        self.lines.append("layer {")
        self.lines += [f'  name: "{name}"', f'  type: "{kind}"']
        self.lines += [f'  bottom: "{b}"' for b in bottoms]
        self.lines += [f'  top: "{top}"', *("  " + line for line in body), "}"]
        return top

    def data(self, batch, size):
        dims = " ".join(f"dim: {d}" for d in (batch, 3, size, size))
        return self.layer("data", "Input", [], "data", f"input_param {{ shape: {{ {dims} }} }}")

    def conv(
        self,
        name,
        bottom,
        channels,
        kernel,
        relu="",
        pad=0,
        stride=1,
        group=1,
        bias=True,
        bias_value="0.2",
    ):
        """A Convolution, and an in-place ReLU called `relu` behind it if it has a name."""
        body = [
            "param { lr_mult: 1 decay_mult: 1 }",
            *(["param { lr_mult: 2 decay_mult: 0 }"] if bias else []),
            "convolution_param {",
        ]
        body.append(f"  num_output: {channels}")
        if not bias:
            body.append("  bias_term: false")
        if pad:
            body.append(f"  pad: {pad}")
        body.append(f"  kernel_size: {kernel}")
        if group != 1:
            body.append(f"  group: {group}")
        if stride != 1:
            body.append(f"  stride: {stride}")
        body.append('  weight_filler { type: "xavier" }')
        body += [f'  bias_filler {{ type: "constant" value: {bias_value} }}'] if bias else []
        self.layer(name, "Convolution", [bottom], name, *body, "}")
        return self.layer(relu, "ReLU", [name], name) if relu else name

    def inner_product(self, name, bottom, outputs):
        body = [
            "param { lr_mult: 1 decay_mult: 1 }",
            "param { lr_mult: 2 decay_mult: 0 }",
            "inner_product_param {",
        ]
        body += [
            f"  num_output: {outputs}",
            '  weight_filler { type: "xavier" }',
            '  bias_filler { type: "constant" value: 0 }',
            "}",
        ]
        return self.layer(name, "InnerProduct", [bottom], name, *body)

    def dropout(self, name, bottom, ratio):
        return self.layer(
            name, "Dropout", [bottom], bottom, f"dropout_param {{ dropout_ratio: {ratio} }}"
        )

    def global_pool(self, name, bottom):
        return self.layer(
            name,
            "Pooling",
            [bottom],
            name,
            "pooling_param {",
            "  pool: AVE",
            "  global_pooling: true",
            "}",
        )

    def text(self):
        return "\n".join(self.lines) + "\n"

    def pool(self, name, bottom, method, kernel, stride, pad=0):
        body = [
            "pooling_param {",
            f"  pool: {method}",
            f"  kernel_size: {kernel}",
            f"  stride: {stride}",
        ]
        if pad:
            body.append(f"  pad: {pad}")
        return self.layer(name, "Pooling", [bottom], name, *body, "}")

    def lrn(self, name, bottom):
        return self.layer(
            name,
            "LRN",
            [bottom],
            name,
            "lrn_param {",
            "  local_size: 5",
            "  alpha: 0.0001",
            "  beta: 0.75",
            "}",
        )
