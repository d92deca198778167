import Foundation

/// Shows a page to whoever sits in front of the screen.
enum BrowserWindow {
  private static let opener = URL(filePath: "/usr/bin/xdg-open")

  static func open(_ page: URL, _ choice: SearchQueryCommand.OpenChoice) {
    let environment = ProcessInfo.processInfo.environment
    let hasScreen = environment["DISPLAY"] != nil || environment["WAYLAND_DISPLAY"] != nil
    guard choice == .yes || choice == .auto && Output.isTerminal && hasScreen else { return }
    let process = Process()
    process.executableURL = opener
    process.arguments = [page.path(percentEncoded: false)]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    do {
      try process.run()
    } catch  where choice == .yes {
      Output.note("zoo: \(opener.path(percentEncoded: false)) cannot be run: open \(page.relativePath) yourself")
    } catch {
      // Nobody asked for it.
    }
  }
}
