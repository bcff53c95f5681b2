import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct ClassifierFileTests {
    private static let input = Extent(108, 110, 109)

    private static func described() throws -> Classifier {
        let window = try IntensityWindow(level: 40.5, width: 350)
        let classifier = try Classifier(input: input, seed: 3, intensityWindow: window)
        classifier.metadata = ["spars.training": "{\"epochs\": [1]}", "note": "é"]
        return classifier
    }

    private static func loadedAsItWas(_ saved: Classifier, _ path: String) throws -> Classifier {
        let all = try Classifier.load(path, input: nil)
        #expect(all.count == 1)
        let loaded = all[0]
        #expect(loaded.architecture.input == input)
        #expect(loaded.parameters == saved.parameters)
        #expect(loaded.intensityWindow == saved.intensityWindow)
        #expect(loaded.metadata["spars.training"] == "{\"epochs\": [1]}")
        #expect(loaded.metadata["note"] == "é")
        return loaded
    }

    @Test func everythingComesBack() throws {
        let classifier = try Self.described()
        try withTemporaryFile { (path) throws in
            try Classifier.save([classifier], to: path)
            let loaded = try Self.loadedAsItWas(classifier, path)
            // What is loaded and saved again is the same file.
            let first = try BinaryFile.read(path, limit: 1 << 30)
            try Classifier.save([loaded], to: path)
            #expect(try BinaryFile.read(path, limit: 1 << 30) == first)
            let file = try SafetensorsFile(bytes: first)
            #expect(try file.values(of: "bn4.num_batches_tracked") == [0])
            #expect(file.metadata["format"] == "pt")
        }
    }

    @Test(arguments: ["file", "file.pth"]) func theMembersOfAnEnsembleComeBackInOrder(
        name: String
    ) throws {
        let window = try IntensityWindow(level: 40.5, width: 350)
        let members = try (0..<3).map {
            try Classifier(input: Self.input, seed: $0, intensityWindow: window)
        }
        try withTemporaryFile { (path) throws in
            let path = String(path.dropLast("file".count)) + name
            try Classifier.save(members, metadata: ["spars.training": "[]"], to: path)
            let loaded = try Classifier.load(path, input: nil)
            #expect(loaded.map(\.parameters) == members.map(\.parameters))
            #expect(loaded.allSatisfy { $0.intensityWindow == window })
            #expect(loaded[0].metadata["spars.training"] == "[]")
            #expect(members[0].metadata.isEmpty)
        }
    }

    @Test(arguments: ["1.fc5.bias", "3.conv1.bias", "conv1.bias"])
    func aBrokenMemberIsNamed(name: String) throws {
        let classifier = try Classifier(input: Self.input, seed: 3)
        var tensors: [(name: String, shape: [Int], content: SafetensorsFile.Content)] = []
        for prefix in ["0.", "1."] {
            for (plain, shape) in classifier.architecture.parameterShapes {
                let values = classifier.parameters[plain]!.values
                tensors.append((prefix + plain, shape, .floats(values)))
            }
        }
        if name == "1.fc5.bias" {
            tensors.removeAll { $0.name == name }
        } else {
            tensors.append((name, [8], .floats(Array(repeating: 0, count: 8))))
        }
        try withTemporaryFile { (path) throws in
            let texts = [("spars.input_shape", "[108,110,109]")]
            try SafetensorsFile.write(tensors, metadata: texts, to: path)
            let error = #expect(throws: SPARSError.self) { try Classifier.load(path, input: nil) }
            guard case .badFormat(name, _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test(arguments: ["file.pth", "FILE.PT"]) func everythingComesBackFromAPyTorchFile(
        name: String
    ) throws {
        let classifier = try Self.described()
        try withTemporaryFile { (path) throws in
            let path = String(path.dropLast("file".count)) + name
            try Classifier.save([classifier], to: path)
            let bytes = try BinaryFile.read(path, limit: 1 << 30)
            #expect(bytes.starts(with: [0x50, 0x4B]))
            let loaded = try Self.loadedAsItWas(classifier, path)
            try Classifier.save([loaded], to: path)
            #expect(try BinaryFile.read(path, limit: 1 << 30) == bytes)
            // PyTorch maps storages into memory where they begin at a multiple of 64 bytes.
            let archive = try ZipArchive(bytes: bytes)
            for name in archive.names where name.contains("/data/") {
                #expect(archive.range(of: name)!.lowerBound % 64 == 0)
            }
        }
    }

    @Test(arguments: ["[1]", "{\"a\": 1}", "{"]) func brokenMetadataOfAPyTorchFileIsNamed(
        json: String
    ) {
        let bytes = TestArchive.zip([
            ("x/data.pkl", TestArchive.oneTensor()), ("x/data/0", [0, 0, 0, 0]),
            ("x/spars.json", Array(json.utf8)),
        ])
        let error = #expect(throws: SPARSError.self) { try TorchFile(bytes: bytes) }
        #expect("\(error!)".contains("spars.json"), "\(error!)")
    }

    @Test func anotherInputShapeNamesTheTensor() throws {
        let classifier = try Classifier(input: Self.input, seed: 3)
        try withTemporaryFile { (path) throws in
            try Classifier.save([classifier], to: path)
            let error = #expect(throws: SPARSError.self) {
                try Classifier.load(path, input: NetworkArchitecture.inputOfRecord)
            }
            guard case .badFormat("fc1.weight", _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    private enum Damage: String, CaseIterable, Sendable {
        case missing = "conv1.weight"
        case unknown = "conv9.weight"
        case misshapen = "conv1.bias"
        case notFinite = "fc5.bias"
        case negativeVariance = "bn2.running_var"
        case inputShape = "spars.input_shape"
        case intensityWindow = "spars.intensity_window"
        case counter = "bn1.num_batches_tracked"
    }

    @Test(arguments: Damage.allCases) private func wrongContentsNameTheField(
        damage: Damage
    ) throws {
        let classifier = try Classifier(input: Self.input, seed: 3)
        var tensors: [(name: String, shape: [Int], content: SafetensorsFile.Content)] =
            classifier.architecture.parameterShapes.map {
                ($0.name, $0.shape, .floats(classifier.parameters[$0.name]!.values))
            }
        var metadata = [("spars.input_shape", "[108,110,109]")]
        let at = tensors.firstIndex { $0.name == damage.rawValue }
        switch damage {
        case .missing: tensors.remove(at: at!)
        case .unknown: tensors.append((damage.rawValue, [1], .floats([0])))
        case .misshapen: tensors[at!] = (damage.rawValue, [2, 4], tensors[at!].content)
        case .notFinite: tensors[at!].content = .floats([0, .nan])
        case .negativeVariance:
            tensors[at!].content = .floats(Array(repeating: -1, count: 16))
        case .inputShape: metadata = [("spars.input_shape", "[108,110]")]
        case .intensityWindow: metadata.append(("spars.intensity_window", "[40, -1]"))
        case .counter: tensors.append((damage.rawValue, [], .integer(-1)))
        }
        try withTemporaryFile { (path) throws in
            try SafetensorsFile.write(tensors, metadata: metadata, to: path)
            let error = #expect(throws: SPARSError.self) {
                try Classifier.load(path, input: nil)
            }
            guard case .badFormat(damage.rawValue, _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }
}
