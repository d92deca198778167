// swift-tools-version: 6.2

import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

// A package of its own, so that nobody who only serves models builds it.
let package = Package(
  name: "Benchmarks",
  dependencies: [
    .package(name: "zoo", path: "../"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
  ],
  targets: [
    .target(name: "Measuring", swiftSettings: settings),
    .executableTarget(
      name: "zoo-compare",
      dependencies: [
        "Measuring",
        .product(name: "ZooCore", package: "zoo"),
        .product(name: "ZooPlugins", package: "zoo"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "zoo-compare-search",
      dependencies: [
        "Measuring",
        .product(name: "ZooCore", package: "zoo"),
        .product(name: "ZooSearchEngine", package: "zoo"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "zoo-bench-search",
      dependencies: [
        "Measuring",
        .product(name: "ZooClient", package: "zoo"),
        .product(name: "ZooCore", package: "zoo"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      swiftSettings: settings),
  ]
)
