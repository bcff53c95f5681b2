import SPARSKernels
import SPARSNative
import SPARSTestSupport
import Testing

@testable import SPARSPhantom

@Suite(.serialized) struct PhantomTests {
    private func small(
        _ seed: UInt64, hasTumour: Bool = true, count: Int? = nil, contrast: Double? = nil,
        radius: Double? = nil, noise: Double = 12, isVaried: Bool = false
    ) throws -> Phantom {
        try Phantom(
            PhantomConfiguration(
                seed: seed, extent: Extent(48, 44, 40), spacing: SIMD3(7, 7, 6),
                hasTumour: hasTumour, noise: noise, tumourCount: count, tumourContrast: contrast,
                tumourRadius: radius, isVaried: isVaried))
    }

    @Test(arguments: Seeds.few) func aVariedLiverChangesNothingAround(seed: UInt64) throws {
        let even = try small(seed, hasTumour: false, noise: 0)
        let varied = try small(seed, hasTumour: false, noise: 0, isVaried: true)
        #expect(varied.tissue == even.tissue)
        let liver = even.tissue.map { $0 == .liver || $0 == .hepaticVessel }
        #expect(even.drawnLiver == liver.map { $0 ? 1 : 0 })
        #expect(varied.drawnLiver != even.drawnLiver)
        var (changed, drawn) = (0, 0)
        for i in liver.indices {
            if liver[i] {
                if varied.hu[i] != even.hu[i] { changed += 1 }
                if varied.drawnLiver[i] == 1 { drawn += 1 }
            }
        }
        let count = liver.count { $0 }
        #expect(changed > count / 2 && drawn > count * 3 / 4, "seed \(seed)")
        // Neighbouring slices share a profile, so the liver's change shows one voxel beyond it.
        let n = even.extent.z
        for i in liver.indices where !liver[i] {
            let z = i % n
            if (z > 0 && liver[i - 1]) || (z < n - 1 && liver[i + 1]) { continue }
            #expect(varied.hu[i] == even.hu[i], "seed \(seed), voxel \(i)")
        }
    }

    @Test(arguments: Seeds.few) func sameBitsForAnyNumberOfThreads(seed: UInt64) throws {
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        Parallel.threadCount = 1
        let alone = try small(seed)
        for threads in [2, 3, 7] {
            Parallel.threadCount = threads
            let phantom = try small(seed)
            #expect(phantom.hu == alone.hu)
            #expect(phantom.tissue == alone.tissue)
            #expect(phantom.tumours == alone.tumours)
        }
    }

    @Test(arguments: Seeds.few) func nothingButTheTumoursTellsAPairApart(seed: UInt64) throws {
        let with = try small(seed)
        let without = try small(seed, hasTumour: false)
        #expect(without.tumours.isEmpty && !without.tissue.contains(.tumour))
        let reach = with.tumours.map { $0.radius * 1.7 + 14 + $0.softness }
        var changed = 0
        for x in 0..<48 {
            for y in 0..<44 {
                for z in 0..<40 {
                    let i = with.extent.offset(x, y, z)
                    if with.hu[i] == without.hu[i] && with.tissue[i] == without.tissue[i] {
                        continue
                    }
                    changed += 1
                    let place = SIMD3(
                        (Float(x) - 23.5) * 7, (Float(y) - 21.5) * 7, (Float(z) - 19.5) * 6)
                    let near = zip(with.tumours, reach).contains { length($0.centre - place) <= $1 }
                    #expect(near, "seed \(seed): voxel (\(x), \(y), \(z)) is far from any tumour")
                }
            }
        }
        #expect(changed > 0)
    }

    @Test(arguments: Seeds.few) func tumoursAreInTheLiverAndAsDarkAsWanted(seed: UInt64) throws {
        let with = try small(seed, contrast: -60, radius: 20, noise: 0)
        let without = try small(seed, hasTumour: false, noise: 0)
        let inside = with.tissue.indices.filter { with.tissue[$0] == .tumour }
        #expect(
            inside.allSatisfy {
                without.tissue[$0] == .liver || without.tissue[$0] == .hepaticVessel
            })
        // Partial volume at the edge halves the contrast there; necrosis and vessels deepen it.
        let change = inside.reduce(0) { $0 + with.hu[$1] - without.hu[$1] } / Float(inside.count)
        #expect(change < -30 && change > -95, "seed \(seed): \(change) HU")
    }

    @Test(arguments: [1, 2, 3, 4]) func theWantedNumberOfTumours(count: Int) throws {
        for seed in Seeds.few {
            let phantom = try small(seed, count: count, radius: 9)
            #expect(phantom.tumours.count == count)
            for tumour in phantom.tumours {
                let voxel = tumour.centre / SIMD3(7, 7, 6) + SIMD3(23.5, 21.5, 19.5)
                let (x, y, z) = (
                    Int(voxel.x.rounded()), Int(voxel.y.rounded()), Int(voxel.z.rounded())
                )
                var seen = false
                for dx in -1...1 {
                    for dy in -1...1 {
                        for dz in -1...1 {
                            let i = phantom.extent.offset(x + dx, y + dy, z + dz)
                            seen = seen || phantom.tissue[i] == .tumour
                        }
                    }
                }
                #expect(seen, "seed \(seed): no tumour voxel at \(voxel)")
            }
        }
    }

    @Test(arguments: Seeds.few) func noiseHasTheWantedSpread(seed: UInt64) throws {
        let noisy = try small(seed, hasTumour: false, noise: 20)
        let clean = try small(seed, hasTumour: false, noise: 0)
        let liver = noisy.tissue.indices.filter { noisy.tissue[$0] == .liver }
        let squares = liver.reduce(Float(0)) {
            let difference = noisy.hu[$1] - clean.hu[$1]
            return $0 + difference * difference
        }
        let spread = (squares / Float(liver.count)).squareRoot()
        #expect(abs(spread - 20) < 2, "seed \(seed): \(spread) HU in \(liver.count) voxels")
    }

    @Test(arguments: Seeds.many) func everyPatientHasTheirOrgansAtPlausibleSizes(seed: UInt64)
        throws
    {
        let phantom = try small(seed, noise: 0)
        func millilitres(_ tissues: Set<Tissue>) -> Float {
            Float(phantom.tissue.count { tissues.contains($0) }) * 7 * 7 * 6 / 1000
        }
        let liver = millilitres([.liver, .hepaticVessel, .tumour])
        #expect(liver > 800 && liver < 2300, "seed \(seed): liver of \(liver) ml")
        let spleen = millilitres([.spleen])
        #expect(spleen > 60 && spleen < 450, "seed \(seed): spleen of \(spleen) ml")
        let kidneys = millilitres([.kidney])
        #expect(kidneys > 150 && kidneys < 550, "seed \(seed): kidneys of \(kidneys) ml")
        let lungs = millilitres([.lung])
        #expect(lungs > 300, "seed \(seed): lungs of \(lungs) ml")
    }

    @Test func aViewWithoutLiverHoldsNoTumour() throws {
        let configuration = try PhantomConfiguration(
            seed: 1, extent: Extent(8, 8, 8), spacing: SIMD3(1, 1, 1))
        #expect(throws: SPARSError.self) { try Phantom(configuration) }
        var healthy = configuration
        healthy.hasTumour = false
        #expect(try Phantom(healthy).tumours.isEmpty)
    }

    @Test func valuesOutsideTheirRangesAreNamed() {
        func parameter(_ make: () throws(SPARSError) -> PhantomConfiguration) -> String? {
            do throws(SPARSError) {
                _ = try make()
                return nil
            } catch {
                guard case .outOfRange(let value) = error else { return "other" }
                return value.parameter
            }
        }
        let extent = Extent(16, 16, 16)
        let unit = SIMD3<Double>(1, 1, 1)
        func with(
            _ extent: Extent = extent, _ spacing: SIMD3<Double> = unit, noise: Double = 1,
            count: Int? = nil, contrast: Double? = nil, radius: Double? = nil
        ) -> String? {
            parameter { () throws(SPARSError) in
                try PhantomConfiguration(
                    seed: 0, extent: extent, spacing: spacing, noise: noise, tumourCount: count,
                    tumourContrast: contrast, tumourRadius: radius)
            }
        }
        #expect(with() == nil)
        #expect(with(Extent(7, 16, 16)) == "shape")
        #expect(with(Extent(16, 16, 1025)) == "shape")
        #expect(with(extent, SIMD3(1, .nan, 1)) == "spacing")
        #expect(with(extent, SIMD3(1, 1, 0)) == "spacing")
        #expect(with(noise: -1) == "noise")
        #expect(with(noise: .infinity) == "noise")
        #expect(with(count: 0) == "tumour_count")
        #expect(with(count: 5) == "tumour_count")
        #expect(with(contrast: .nan) == "tumour_contrast")
        #expect(with(radius: 0) == "tumour_radius")
    }
}
