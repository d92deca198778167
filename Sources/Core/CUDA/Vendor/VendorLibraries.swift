import Synchronization
import ZooBackend
import ZooLibraries

/// NVIDIA's libraries as they are on this machine, for one card.
final class VendorLibraries: Sendable {
  private struct Choice: Hashable {
    let convolution: VendorConvolution
    let name: String
  }

  /// What was not found, and what to install.
  let missing: [BackendError]
  private let libraries: [any VendorLibrary]
  private struct Reference {
    weak var algorithm: (any VendorAlgorithm)?
  }

  /// Layers that are alike share one, for as long as any of them is there.
  private let chosen = Mutex<[Choice: Reference]>([:])

  init(on device: CUDADevice, finder: LibraryFinder, cache: KernelCache?) throws(BackendError) {
    try device.activate()
    var (libraries, missing): ([any VendorLibrary], [BackendError]) = ([], [])
    do { libraries.append(try CuBLASLt(on: device, finder: finder)) } catch { missing.append(error) }
    do { libraries.append(try CuDNN(on: device, finder: finder, cache: cache)) } catch { missing.append(error) }
    (self.libraries, self.missing) = (libraries, missing)
  }

  /// What the choice among their algorithms depends on besides the card.
  var versions: [String] { libraries.map(\.version) }

  /// What is to be tried for a convolution.
  func algorithms(for convolution: VendorConvolution) throws(BackendError) -> [any VendorAlgorithm] {
    var algorithms: [any VendorAlgorithm] = []
    for library in libraries { algorithms += try library.algorithms(for: convolution) }
    return algorithms
  }

  /// One that was chosen before.
  func algorithm(
    named name: String, for convolution: VendorConvolution
  ) throws(BackendError) -> (any VendorAlgorithm)? {
    let choice = Choice(convolution: convolution, name: name)
    if let algorithm = chosen.withLock({ $0[choice]?.algorithm }) { return algorithm }
    for library in libraries {
      if let algorithm = try library.algorithm(named: name, for: convolution) { return algorithm }
    }
    return nil
  }

  /// Keeps one that was chosen, here and on disk.
  func keep(_ algorithm: any VendorAlgorithm, for convolution: VendorConvolution) {
    let choice = Choice(convolution: convolution, name: algorithm.name)
    let isNew = chosen.withLock { chosen in
      chosen = chosen.filter { $0.value.algorithm != nil }
      return chosen.updateValue(Reference(algorithm: algorithm), forKey: choice) == nil
    }
    guard isNew else { return }
    for library in libraries { library.keep(algorithm, for: convolution) }
  }
}
