import ZooClassifier
import ZooCycleGAN
import ZooPluginKit
import ZooSearchHasher

/// The plugins that this server has. Add yours here.
let plugins: [any ModelPlugin.Type] = [
  CycleGANPlugin.self,
  ClassifierPlugin.self,
  SearchHasherPlugin.self,
]
