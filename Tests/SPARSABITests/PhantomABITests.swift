import CSPARS
import SPARSABI
import SPARSPhantom
import Testing

/// What a foreign caller can get wrong when it asks for a phantom.
@Suite struct PhantomABITests {
    private let invalid = Int32(SPARS_INVALID_ARGUMENT.rawValue)

    private func make(
        _ extent: [Int64] = [8, 8, 8],
        _ change: (inout spars_phantom_configuration) -> Void = { _ in }
    ) -> Int32 {
        var wanted = spars_phantom_configuration(
            seed: 0, spacing: (30, 30, 30), noise: 10, has_tumour: 0, tumour_count: 0,
            tumour_contrast: .nan, tumour_radius: .nan, varied: 0)
        change(&wanted)
        var hu = [Float](repeating: 0, count: 512)
        var tissue = [UInt8](repeating: 0, count: 512)
        var drawn = [UInt8](repeating: 0, count: 512)
        var tumours = spars_phantom_tumours()
        var error = spars_error()
        return spars_phantom_make(
            &hu, &tissue, &drawn, extent, &wanted, nil, &tumours, &error)
    }

    @Test func whatIsOutsideItsRangeIsAnError() {
        #expect(make() == 0)
        for extent in [[7, 8, 8], [.max, 8, 8], [8, -8, -8], [.max, .max, 2]] as [[Int64]] {
            #expect(make(extent) == invalid)
        }
        let changes: [(inout spars_phantom_configuration) -> Void] = [
            { $0.spacing.2 = .nan }, { $0.noise = .infinity }, { $0.has_tumour = 2 },
            { $0.tumour_count = -1 }, { $0.tumour_count = .max },
            { $0.tumour_contrast = .infinity }, { $0.tumour_radius = -.infinity },
            { $0.varied = 2 },
        ]
        for (i, change) in changes.enumerated() {
            #expect(make([8, 8, 8], change) == invalid, "change \(i)")
        }
        #expect(spars_phantom_make(nil, nil, nil, nil, nil, nil, nil, nil) == invalid)
    }

    @Test func tissuesAreNamedInTheirOrder() {
        let cases = SPARS_TISSUE_NAMES.split(separator: ",").map { name in
            name.split(separator: " ").enumerated().map { $0 == 0 ? String($1) : $1.capitalized }
                .joined()
        }
        #expect(cases == Tissue.allCases.map { "\($0)" })
    }
}
