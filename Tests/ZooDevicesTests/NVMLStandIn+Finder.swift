import Foundation
import ZooLibraries
import ZooStandIns

extension NVMLStandIn {
  /// Finds this library and no other.
  var finder: LibraryFinder { LibraryFinder(configured: [folder.path], asksLoader: false, folders: []) }
}
