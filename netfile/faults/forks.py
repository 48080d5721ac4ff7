"""Layers and settings of other people's Caffes, which BVLC's has not: whose they are, and what can
be done about them."""

from typing import Dict, Iterator, NamedTuple, Optional, Tuple


class Origin(NamedTuple):
    """Whose something is ("SegNet's"), and what to do in a net for BVLC's Caffe."""

    whose: str
    remedy: str


_CUT = "delete it and the layers that need it; those before it run as they are"
_TRAINING = "it serves training only: delete it"
_INPUT = "it serves training only: put an Input layer in its place"
_HARMLESS = "it changes no result: delete the setting"
_MASK = "Caffe's MAX pooling gives its mask as a second top, but no layer reads it: " + _CUT
_DEPTHWISE = 'write type: "Convolution" with a group as large as num_output; the weights fit'
_BN = (
    "one of two blobs is a Scale with bias_term: true; one of four is a BatchNorm (its mean and "
    "variance, with a third blob of 1) and such a Scale after it"
)
_PERMUTE = "only a Python layer can move axes in Caffe; else " + _CUT
_RESIZE = "a Deconvolution with bilinear weights enlarges by whole factors; else " + _CUT
_NORMALIZE = "a Python layer can do it; else " + _CUT
_AXPY = "write Reshape to two axes, Scale (axis: 0, with two bottoms) and Eltwise"
_C3D = "write Convolution: its kernel_size, stride and pad take a value for each of three axes"
_SHUFFLE = "a Convolution with kernel_size: 1 whose weights permute the channels does the same"

# (whose, what to do, layer types)
_LAYERS: Tuple[Tuple[str, str, str], ...] = (
    ("SegNet's", _MASK, "Upsample"),
    ("SegNet's", _INPUT, "DenseImageData"),
    ("SegNet's, PSPNet's and other old forks'", _BN, "BN"),
    ("DeconvNet's", _MASK, "Unpooling"),
    ("PSPNet's and DeepLab's", _RESIZE, "Interp"),
    ("PSPNet's and DeepLab's", _TRAINING, "SegAccuracy"),
    ("DeepLab's", _INPUT, "ImageSegData"),
    ("DeepLab's", _CUT, "DenseCRF MatRead MatWrite UniqueLabel"),
    ("SSD's", _NORMALIZE, "Normalize"),
    ("SSD's", _PERMUTE, "Permute"),
    ("SSD's", _CUT, "PriorBox DetectionOutput"),
    ("SSD's", _TRAINING, "MultiBoxLoss DetectionEvaluate"),
    ("SSD's", _INPUT, "AnnotatedData VideoData"),
    ("Faster R-CNN's", _CUT, "ROIPooling Proposal"),
    ("Faster R-CNN's and SSD's", _TRAINING, "SmoothL1Loss"),
    ("R-FCN's", _CUT, "PSROIPooling"),
    ("R-FCN's", _TRAINING, "BoxAnnotatorOHEM SoftmaxWithLossOHEM SmoothL1LossOHEM"),
    ("Mask R-CNN's", _CUT, "ROIAlign"),
    ("Deformable ConvNets'", _CUT, "DeformableConvolution"),
    ("Caffe-OpenPose's", _RESIZE, "ImResize"),
    ("Caffe-OpenPose's", _CUT, "Nms"),
    ("CPM's and OpenPose's", _INPUT, "CPMData OPData"),
    ("ShuffleNet's", _SHUFFLE, "ShuffleChannel"),
    ("MobileNet's", _DEPTHWISE, "ConvolutionDepthwise DepthwiseConvolution DepthwiseConv"),
    ("MobileNet v2's", 'write type: "Clip" with clip_param { min: 0 max: 6 }', "ReLU6"),
    ("SENet's", _AXPY, "Axpy"),
    ("NVIDIA Caffe's", _INPUT, "DetectNetTransformation"),
    ("NVIDIA Caffe's and FlowNet's", _TRAINING, "L1Loss"),
    ("Yahoo's (CaffeOnSpark's)", _INPUT, "CoSData"),
    ("C3D's", _C3D, "Convolution3D"),
    ("C3D's", "Caffe's pooling knows two axes: " + _CUT, "Pooling3D Deconvolution3D"),
    ("C3D's", _INPUT, "VolumeData"),
    ("FlowNet's", _CUT, "Correlation Correlation1D FlowWarp Resample ChannelNorm"),
    ("FlowNet's", _INPUT, "CustomData DataAugmentation FlowAugmentation"),
    ("YOLO ports'", _CUT, "Reorg RegionLoss YoloDetection Yolov3DetectionOutput"),
    ("a spatial transformer fork's", _CUT, "SpatialTransformer"),
    ("a face recognition fork's", _TRAINING, "CenterLoss TripletLoss LabelSpecificAdd"),
    ("a face recognition fork's", _CUT, "MarginInnerProduct LargeMarginInnerProduct"),
    ("HED's", _INPUT, "ImageLabelmapData"),
)
# the settings of those layers
_SETTINGS = {
    "annotated_data_param": "AnnotatedData", "axpy_param": "Axpy", "bn_param": "BN",
    "box_annotator_ohem_param": "BoxAnnotatorOHEM", "center_loss_param": "CenterLoss",
    "convolution3d_param": "Convolution3D", "correlation_param": "Correlation",
    "cos_data_param": "CoSData", "cpm_transform_param": "CPMData", "cpmdata_param": "CPMData",
    "deformable_convolution_param": "DeformableConvolution", "dense_crf_param": "DenseCRF",
    "dense_image_data_param": "DenseImageData", "detection_evaluate_param": "DetectionEvaluate",
    "detection_output_param": "DetectionOutput", "image_seg_data_param": "ImageSegData",
    "imresize_param": "ImResize", "interp_param": "Interp",
    "margin_inner_product_param": "MarginInnerProduct", "mat_read_param": "MatRead",
    "mat_write_param": "MatWrite", "multibox_loss_param": "MultiBoxLoss", "nms_param": "Nms",
    "norm_param": "Normalize", "op_transform_param": "OPData", "permute_param": "Permute",
    "pooling3d_param": "Pooling3D", "prior_box_param": "PriorBox",
    "psroi_pooling_param": "PSROIPooling", "region_loss_param": "RegionLoss",
    "reorg_param": "Reorg", "roi_align_param": "ROIAlign", "roi_pooling_param": "ROIPooling",
    "seg_accuracy_param": "SegAccuracy", "shuffle_channel_param": "ShuffleChannel",
    "smooth_l1_loss_param": "SmoothL1Loss", "st_param": "SpatialTransformer",
    "unpooling_param": "Unpooling", "upsample_param": "Upsample",
    "video_data_param": "VideoData", "volume_data_param": "VolumeData",
}  # fmt: skip
_SCALE = "put a Scale with bias_term: true after it, and move its blobs after the third there"
# (whose, what to do, fields, those that have common names with the message around them)
_FIELDS: Tuple[Tuple[str, str, str], ...] = (
    ("NVIDIA Caffe's", _SCALE, "batch_norm_param.scale_bias batch_norm_param.scale_filler "
     "batch_norm_param.bias_filler"),
    ("NVIDIA Caffe's", _HARMLESS, "forward_type backward_type forward_math backward_math "
     "default_forward_type default_backward_type default_forward_math default_backward_math "
     "global_grad_scale reduce_buckets cudnn_convolution_algo_seeker conv_algos_override "
     "cublas_math_override default_conv_algos_override default_cublas_math_override"),
    ("DeepLab's", "Caffe calls it dilation", "convolution_param.hole convolution_param.hole_h "
     "convolution_param.hole_w"),
    ("Intel Caffe's", _HARMLESS, "bn_stats_batch_size bn_stats_batch_size_param "
     "layer.engine layers.engine .engine compile_net_state"),
    ("Ristretto's and Intel Caffe's", "delete it: the net then computes in float32",
     "quantization_param"),
    ("Caffe's, since 2018,", "it cannot be said to this older Caffe", "pooling_param.round_mode"),
)  # fmt: skip


def _key(kind: str) -> str:
    return kind.replace("_", "").lower()


def _rows(table: Tuple[Tuple[str, str, str], ...]) -> Iterator[Tuple[str, Origin]]:
    for whose, remedy, names in table:
        for name in names.split():
            yield name, Origin(whose, remedy)


_BY_LAYER: Dict[str, Origin] = {_key(kind): origin for kind, origin in _rows(_LAYERS)}
_BY_FIELD: Dict[str, Origin] = dict(_rows(_FIELDS))


def layer_of_a_fork(kind: str) -> str:
    """What an error says of such a layer type, in V2's or V1's spelling; "" for any other."""
    return _told(kind, _BY_LAYER.get(_key(kind)))


def field_of_a_fork(around: str, field: str) -> str:
    """What an error says of such a field; "" for any other.

    around: the field that the message is in, such as pooling_param; "" for the net itself.
    """
    origin = _BY_FIELD.get(f"{around}.{field}") or _BY_FIELD.get(field)
    if field in _SETTINGS:
        origin = _BY_LAYER[_key(_SETTINGS[field])]
    return _told(field, origin)


def _told(name: str, origin: Optional[Origin]) -> str:
    return f"{origin.whose} {name} is not in this Caffe; {origin.remedy}" if origin else ""
