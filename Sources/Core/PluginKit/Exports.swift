// A plugin imports this module and nothing else of the core.
@_exported public import ZooGraph
@_exported public import ZooImaging
@_exported public import ZooTensor
@_exported public import ZooWeights
