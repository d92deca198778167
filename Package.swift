// swift-tools-version: 6.2

import PackageDescription

let settings: [SwiftSetting] =
  [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
  ]
  // tools/test sets it.
  + (Context.environment["ZOO_WARNINGS_AS_ERRORS"] != nil ? [.treatAllWarnings(as: .error)] : [])

// Products of other packages.
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioConcurrency = Target.Dependency.product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")

func module(_ name: String, _ path: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, path: "Sources/\(path)", swiftSettings: settings)
}

func program(_ name: String, _ path: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: dependencies, path: "Sources/\(path)", swiftSettings: settings)
}

func tests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.init(stringLiteral: name)] + dependencies, path: "Tests/\(name)Tests",
    swiftSettings: settings)
}

let package = Package(
  name: "zoo",
  products: [
    .executable(name: "zoo-server", targets: ["zoo-server"]),
    .executable(name: "zoo", targets: ["zoo"]),
    .library(name: "ZooClient", targets: ["ZooClient"]),
    .library(name: "ZooPluginKit", targets: ["ZooPluginKit"]),
    .library(name: "ZooServer", targets: ["ZooServer"]),
    .library(name: "ZooSearchEngine", targets: ["ZooHamming"]),
    .library(
      name: "ZooCore",
      targets: [
        "ZooTensor", "ZooGraph", "ZooBackend", "ZooCPU", "ZooCUDA", "ZooWeights", "ZooImaging", "ZooProtocol",
        "ZooPluginKit", "ZooRuntime",
      ]),
    .library(name: "ZooPlugins", targets: ["ZooBackbones", "ZooCycleGAN", "ZooClassifier", "ZooSearchHasher"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // The core, in the order in which imports may point: up.
    module("ZooTensor", "Core/Tensor"),
    module("ZooLibraries", "Core/Libraries"),
    module("ZooGraph", "Core/Graph", ["ZooTensor"]),
    module("ZooBackend", "Core/Backend", ["ZooGraph", "ZooTensor"]),
    .systemLibrary(
      name: "COpenBLAS", path: "Sources/Core/COpenBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev"])]),
    .target(name: "CZooKernels", path: "Sources/Core/CKernels"),
    .target(name: "CZooDevices", path: "Sources/Core/CDevices"),
    module("ZooDevices", "Core/Devices", ["ZooLibraries", "CZooDevices"]),
    module(
      "ZooCPU", "Core/CPU", ["ZooBackend", "ZooGraph", "ZooTensor", "ZooDevices", "CZooKernels", "COpenBLAS"]),
    .target(name: "CCUDA", path: "Sources/Core/CCUDA", exclude: ["kernels"]),
    module("ZooCUDA", "Core/CUDA", ["ZooBackend", "ZooGraph", "ZooTensor", "ZooLibraries", "CCUDA", crypto]),
    // What backends are held to, by the tests and by `zoo-server gpu-check`.
    module("ZooOpParity", "Core/OpParity", ["ZooTensor", "ZooGraph", "ZooBackend"]),
    module("ZooWeights", "Core/Weights", ["ZooTensor"]),
    .systemLibrary(
      name: "CJPEG", path: "Sources/Core/CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"])]),
    .systemLibrary(
      name: "CPNG", path: "Sources/Core/CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .target(name: "CZooImaging", dependencies: ["CJPEG", "CPNG"], path: "Sources/Core/CImaging"),
    module("ZooImaging", "Core/Imaging", ["ZooTensor", "CZooImaging"]),
    module("ZooProtocol", "Core/Protocol", ["ZooTensor", protobuf, nioCore]),
    module("ZooPluginKit", "Core/PluginKit", ["ZooTensor", "ZooGraph", "ZooWeights", "ZooImaging", protobuf]),
    module(
      "ZooRuntime", "Core/Runtime",
      [
        "ZooTensor", "ZooGraph", "ZooBackend", "ZooWeights", "ZooImaging", "ZooProtocol", "ZooPluginKit", protobuf,
        crypto, logging, metrics,
      ]),

    // The plugins. They import ZooPluginKit, and what it exports, of the core.
    module("ZooBackbones", "Plugins/Backbones", ["ZooPluginKit", protobuf]),
    module("ZooCycleGAN", "Plugins/CycleGAN", ["ZooPluginKit", protobuf]),
    module("ZooClassifier", "Plugins/Classifier", ["ZooPluginKit", "ZooBackbones", protobuf]),
    module("ZooSearchHasher", "Plugins/SearchHasher", ["ZooPluginKit", "ZooBackbones", protobuf]),

    // Visual search.
    .target(name: "CZooHamming", path: "Sources/Search/CKernels"),
    module("ZooHamming", "Search/Hamming", ["CZooHamming"]),
    module("ZooItems", "Search/Items"),
    module("ZooSQLiteStore", "Search/SQLite", ["ZooItems", "ZooHamming", grdb]),
    .systemLibrary(
      name: "CPostgres", path: "Sources/Search/CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    module("ZooPostgresStore", "Search/Postgres", ["ZooItems", "CPostgres"]),
    module("ZooSearch", "Search/Service", ["ZooItems", "ZooProtocol", protobuf, crypto, logging]),

    // What the programs print alike.
    module("ZooReporting", "Reporting", ["ZooProtocol"]),

    // The server.
    module(
      "ZooServer", "Server/ZooServer",
      [
        "ZooRuntime", "ZooSearch", "ZooDevices", "ZooProtocol", "ZooPluginKit", nioCore, nioPosix, nioConcurrency,
        lifecycle, logging,
      ]),
    program(
      "zoo-server", "Server/zoo-server",
      [
        "ZooServer", "ZooRuntime", "ZooSearch", "ZooSQLiteStore", "ZooPostgresStore", "ZooItems", "ZooProtocol",
        "ZooPluginKit", "ZooBackend", "ZooCPU", "ZooCUDA", "ZooDevices", "ZooLibraries", "ZooOpParity", "ZooReporting",
        "ZooWeights", "ZooTensor", "ZooCycleGAN", "ZooClassifier", "ZooSearchHasher", argumentParser, crypto, lifecycle,
        signals, logging, nioCore,
      ]),

    // The client, which needs none of the compute modules.
    module("ZooClient", "Client", ["ZooProtocol", "ZooTensor", nioCore, nioPosix, nioConcurrency, protobuf]),
    module("ZooEvaluation", "Evaluation", ["ZooProtocol", crypto]),
    program(
      "zoo", "CLI",
      [
        "ZooClient", "ZooEvaluation", "ZooReporting", "ZooProtocol", "ZooTensor", argumentParser, crypto, histogram,
        protobuf,
      ]),

    // The tests.
    .target(name: "ZooSeeded", path: "Tests/Support/Seeded", swiftSettings: settings),
    .target(name: "ZooEventually", path: "Tests/Support/Eventually", swiftSettings: settings),
    tests(of: "ZooTensor"),
    tests(of: "ZooLibraries"),
    .target(name: "ZooStandIns", path: "Tests/Support/StandIns", swiftSettings: settings),
    tests(of: "ZooDevices", ["ZooLibraries", "ZooStandIns", "ZooEventually"]),
    tests(of: "ZooReporting", ["ZooProtocol", protobuf]),
    tests(of: "ZooGraph", ["ZooTensor", "ZooBackend", "ZooOpParity"]),
    tests(of: "ZooBackend", ["ZooTensor", "ZooGraph", "ZooOpParity"]),
    tests(of: "ZooCPU", ["ZooTensor", "ZooGraph", "ZooBackend", "ZooOpParity", "CZooKernels"]),
    .target(
      name: "ZooSoftwareDevice", dependencies: ["ZooLibraries"], path: "Tests/Support/SoftwareDevice",
      exclude: ["Device"], swiftSettings: settings),
    tests(
      of: "ZooCUDA",
      [
        "ZooTensor", "ZooGraph", "ZooBackend", "ZooLibraries", "ZooOpParity", "ZooSoftwareDevice", "ZooHamming",
        "CCUDA", "ZooCPU", "ZooRuntime", "ZooPluginKit", "ZooProtocol", "ZooCycleGAN", "ZooTinyModels",
        "ZooEventually", logging,
      ]),
    tests(of: "ZooWeights", ["ZooTensor", "ZooSeeded"]),
    tests(of: "ZooImaging", ["ZooTensor", "ZooSeeded", "CZooImaging"]),
    tests(of: "ZooProtocol", ["ZooTensor", "ZooSeeded", nioCore, protobuf]),
    .target(
      name: "ZooTinyModels",
      dependencies: [
        "ZooSeeded", "ZooBackend", "ZooPluginKit", "ZooBackbones", "ZooCycleGAN", "ZooSearchHasher", crypto,
      ],
      path: "Tests/Support/TinyModels", swiftSettings: settings),
    tests(
      of: "ZooRuntime",
      [
        "ZooTinyModels", "ZooBackend", "ZooGraph", "ZooTensor", "ZooCPU", "ZooPluginKit", "ZooProtocol", "ZooCycleGAN",
        "ZooEventually", protobuf, logging,
      ]),
    tests(of: "ZooItems"),
    tests(of: "ZooHamming", ["ZooSeeded", "CZooHamming"]),
    .executableTarget(
      name: "zoo-store-crash", dependencies: ["ZooItems", "ZooSQLiteStore"], path: "Tests/Support/StoreCrash",
      swiftSettings: settings),
    .testTarget(
      name: "ZooStoreTests",
      dependencies: [
        "ZooSeeded", "ZooItems", "ZooHamming", "ZooSQLiteStore", "ZooPostgresStore", "ZooEventually",
        "zoo-store-crash", grdb,
      ],
      path: "Tests/ZooStoreTests", swiftSettings: settings),
    tests(
      of: "ZooSearch",
      [
        "ZooTinyModels", "ZooServer", "ZooRuntime", "ZooSQLiteStore", "ZooProtocol", "ZooPluginKit", "ZooBackend",
        "ZooCPU", "ZooSearchHasher", "ZooEventually", protobuf, logging,
      ]),
    tests(of: "ZooBackbones", ["ZooPluginKit", "ZooBackend", "ZooCPU"]),
    tests(of: "ZooCycleGAN", ["ZooPluginKit", "ZooBackend", "ZooCPU"]),
    tests(of: "ZooClassifier", ["ZooPluginKit", "ZooBackbones", "ZooBackend", "ZooCPU"]),
    tests(of: "ZooSearchHasher", ["ZooPluginKit", "ZooBackbones", "ZooBackend", "ZooCPU"]),
    tests(
      of: "ZooServer",
      [
        "ZooTinyModels", "ZooClient", "ZooProtocol", "ZooRuntime", "ZooDevices", "ZooLibraries", "ZooPluginKit",
        "ZooBackend",
        "ZooCPU", "ZooStandIns", "ZooCycleGAN", "ZooClassifier", "ZooSearchHasher", "ZooSearch", "ZooSQLiteStore",
        protobuf, nioCore, logging, crypto,
      ]),
    .testTarget(
      name: "EndToEndTests",
      dependencies: [
        "zoo", "zoo-server", "ZooClient", "ZooProtocol", "ZooImaging", "ZooTinyModels", "ZooStandIns",
        "ZooSoftwareDevice", "ZooEventually",
      ],
      path: "Tests/EndToEndTests", swiftSettings: settings),
    tests(of: "ZooEvaluation", ["ZooSeeded", "ZooProtocol"]),
    tests(of: "ZooClient", ["ZooProtocol", nioCore, nioPosix, nioConcurrency, protobuf]),
  ],
  cLanguageStandard: .c17
)
