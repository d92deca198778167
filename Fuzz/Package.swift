// swift-tools-version: 6.2

import PackageDescription

// A package of its own, so that nobody who builds the server needs libFuzzer. tools/fuzz builds and runs it.
let package = Package(
  name: "fuzz",
  dependencies: [.package(name: "zoo", path: "../")],
  targets: [
    .target(name: "CLibFuzzer"),
    .executableTarget(
      name: "zoo-fuzz",
      dependencies: [
        "CLibFuzzer",
        .product(name: "ZooCore", package: "zoo"), .product(name: "ZooPlugins", package: "zoo"),
      ]),
  ]
)
