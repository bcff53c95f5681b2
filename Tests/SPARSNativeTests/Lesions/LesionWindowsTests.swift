import SPARSKernels
import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite(.serialized) struct LesionWindowsTests {
    private func windows(
        _ made: [MadeOrgan], _ settings: LesionWindowSettings, law: LesionLaw = LesionLaw(),
        seed: UInt64
    ) throws -> LesionWindows {
        try LesionWindows(
            hosts: made.map { try $0.host() }, law: law, settings: settings, seed: seed)
    }

    private func draw(
        _ windows: LesionWindows, _ items: Range<Int>
    ) throws -> (values: [Float], known: [LesionWindow]) {
        var values = [Float](repeating: .nan, count: items.count * windows.settings.window.count)
        let known = try values.withUnsafeMutableBufferPointer { try windows.draw(items, into: $0) }
        return (values, known)
    }

    /// The label is counted again from the lesions themselves, by the twin, in the window's frame.
    @Test(arguments: Seeds.few) func labelsAreTrue(seed: UInt64) throws {
        let made = try MadeOrgan(vessel: 50, seed: seed)
        let host = try made.host()
        let settings = LesionWindowSettings().plain
        let windows = try windows([made], settings, seed: seed)
        let (_, known) = try draw(windows, 0..<150)
        var source = RandomSource(seed: seed).stream(UInt64.max)
        let texture = SmoothNoise(&source)
        for window in known {
            var count = 0
            for x in 5..<11 {
                for y in 5..<11 {
                    for z in 5..<11 {
                        let voxel = Voxel(
                            window.origin.x + x, window.origin.y + y, window.origin.z + z)
                        guard host.holds(voxel), let place = host.offset(voxel) else { continue }
                        let mm = [voxel.x, voxel.y, voxel.z].map { 1.5 * Double($0) }
                        let isLesion = window.lesions.contains {
                            LesionTwin(lesion: $0, texture: texture, level: host.organ.level)
                                .painted(
                                    over: 0, place: mm, host: 0,
                                    smooth: Double(host.smooth[place]), deviation: 0
                                ).part >= 0.5
                        }
                        count += isLesion ? 1 : 0
                    }
                }
            }
            let share = Float(count) / 216
            // A voxel whose part is a half to the last bits may fall on either side.
            #expect(abs(share - window.coreShare) <= 1.01 / 216, "seed \(seed)")
            #expect(
                window.label == 1 ? window.coreShare > 0.25 : window.coreShare < 0.02,
                "seed \(seed)")
        }
    }

    @Test(arguments: Seeds.few) func kindsComeAsOftenAsWanted(seed: UInt64) throws {
        let made = try MadeOrgan(seed: seed)
        let (_, known) = try draw(
            windows([made, made], LesionWindowSettings(), seed: seed), 0..<2000)
        let tumour = known.count { $0.label == 1 }
        let beside = known.count { $0.label == 0 && !$0.lesions.isEmpty }
        // Five standard deviations of 2,000 draws.
        #expect(abs(tumour - 1000) < 112, "seed \(seed): \(tumour)")
        #expect(abs(beside - 250) < 75, "seed \(seed): \(beside)")
        #expect(abs(known.count { $0.host == 0 } - 1000) < 112, "seed \(seed)")
        #expect(known.allSatisfy { $0.label == 0 || !$0.lesions.isEmpty }, "seed \(seed)")
    }

    /// Where nothing is changed, a window without lesion shows the host and the constant around it.
    @Test(arguments: Seeds.few) func aPlainWindowIsTheHost(seed: UInt64) throws {
        let made = try MadeOrgan(seed: seed)
        var settings = LesionWindowSettings().plain
        (settings.tumourChance, settings.besideChance) = (0, 0)
        settings.window = Extent(10, 12, 8)
        settings.core = Extent(4, 6, 2)
        settings.levelAt = nil
        let windows = try windows([made], settings, seed: seed)
        let level = Float(windows.hosts[0].organ.level)
        let (values, known) = try draw(windows, 7..<60)
        for (n, window) in known.enumerated() {
            for x in 0..<10 {
                for y in 0..<12 {
                    for z in 0..<8 {
                        let (i, j, k) = (
                            window.origin.x + x, window.origin.y + y, window.origin.z + z
                        )
                        let isInScan =
                            (0..<40).contains(i) && (0..<36).contains(j) && (0..<32).contains(k)
                        let at = isInScan ? made.extent.offset(i, j, k) : 0
                        let isOrgan = isInScan && made.organ[at] != 0
                        let wanted = isOrgan ? made.values[at] : level - 200
                        let got = values[n * 960 + (x * 12 + y) * 8 + z]
                        #expect(abs(got - wanted) < 1e-3, "seed \(seed)")
                    }
                }
            }
        }
    }

    /// A lesion in a window is the lesion that insertion would paint there.
    @Test(arguments: Seeds.few) func aWindowShowsWhatIsInserted(seed: UInt64) throws {
        let made = try MadeOrgan(vessel: 50, seed: seed)
        var settings = LesionWindowSettings().plain
        (settings.tumourChance, settings.besideChance, settings.levelAt) = (1, 0, nil)
        let windows = try windows([made], settings, seed: seed)
        let host = windows.hosts[0]
        let (values, known) = try draw(windows, 0..<30)
        var source = RandomSource(seed: seed).stream(UInt64.max)
        let texture = SmoothNoise(&source)
        for (n, window) in known.enumerated() {
            for x in 0..<16 {
                for y in 0..<16 {
                    for z in 0..<16 {
                        let voxel = Voxel(
                            window.origin.x + x, window.origin.y + y, window.origin.z + z)
                        guard host.holds(voxel), let place = host.offset(voxel) else { continue }
                        var value = Double(host.values[place])
                        for lesion in window.lesions {
                            let twin = LesionTwin(
                                lesion: lesion, texture: texture, level: host.organ.level)
                            value =
                                twin.painted(
                                    over: value,
                                    place: [voxel.x, voxel.y, voxel.z].map { 1.5 * Double($0) },
                                    host: Double(host.values[place]),
                                    smooth: Double(host.smooth[place]),
                                    deviation: host.organ.noise
                                ).value
                        }
                        let got = Double(values[n * 4096 + (x * 16 + y) * 16 + z])
                        #expect(abs(got - value) < 0.12, "seed \(seed), window \(n)")
                    }
                }
            }
        }
    }

    @Test(arguments: Seeds.few) func anyRangeInAnyOrderHasTheSameBits(seed: UInt64) throws {
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        let made = try MadeOrgan(seed: seed)
        let windows = try windows([made], LesionWindowSettings(), seed: seed)
        Parallel.threadCount = 1
        let (all, known) = try draw(windows, 0..<40)
        for threads in [2, 3, 7] {
            Parallel.threadCount = threads
            let (later, laterKnown) = try draw(windows, 23..<40)
            let (sooner, _) = try draw(windows, 0..<23)
            #expect(sooner + later == all, "seed \(seed)")
            #expect(laterKnown == Array(known[23...]), "seed \(seed)")
        }
        #expect(all.allSatisfy { $0.isFinite }, "seed \(seed)")
    }

    /// Another augmentation leaves places, lesions and labels as they are.
    @Test(arguments: Seeds.few) func streamsOfAnItemAreApart(seed: UInt64) throws {
        let made = try MadeOrgan(seed: seed)
        let rich = try draw(windows([made], LesionWindowSettings(), seed: seed), 0..<50)
        let plain = try draw(windows([made], LesionWindowSettings().plain, seed: seed), 0..<50)
        #expect(rich.known == plain.known, "seed \(seed)")
        #expect(rich.values != plain.values, "seed \(seed)")
        let other = try draw(windows([made], LesionWindowSettings(), seed: seed + 9), 0..<50)
        #expect(other.known != rich.known, "seed \(seed)")
    }

    /// Flips and transposition only move values; over some hundred windows every one of the 48 ways to
    /// turn a cube is seen.
    @Test(arguments: Seeds.few) func everyTurnIsDrawn(seed: UInt64) throws {
        let made = try MadeOrgan(isBox: true, seed: seed)
        var settings = LesionWindowSettings().plain
        (settings.window, settings.core) = (Extent(4, 4, 4), Extent(2, 2, 2))
        (settings.tumourChance, settings.besideChance) = (0, 0)
        let plain = try draw(windows([made], settings, seed: seed), 0..<700)
        (settings.flips, settings.transposes) = (true, true)
        let turned = try draw(windows([made], settings, seed: seed), 0..<700)
        var turns: Set<[Int]> = []
        for n in 0..<700 {
            let before = Array(plain.values[n * 64..<(n + 1) * 64])
            let after = Array(turned.values[n * 64..<(n + 1) * 64])
            #expect(before.sorted() == after.sorted(), "seed \(seed), window \(n)")
            // Only windows wholly in the organ have values that tell voxels apart.
            if Set(before).count < 64 { continue }
            // Where a corner and two of its neighbours came from tells the turn.
            turns.insert([0, 1, 4].map { before.firstIndex(of: after[$0])! })
        }
        #expect(turns.count == 48, "seed \(seed): \(turns.count)")
    }

    @Test(arguments: Seeds.few) func intensitiesChangeAsTheyAreGiven(seed: UInt64) throws {
        let made = try MadeOrgan(noise: 0, isBox: true, seed: seed)
        var settings = LesionWindowSettings().plain
        (settings.tumourChance, settings.besideChance) = (0, 0)
        (settings.offset, settings.noise) = (Interval(-8, 8), Interval(5, 5))
        let (values, _) = try draw(windows([made], settings, seed: seed), 0..<300)
        var means: [Double] = []
        for n in 0..<300 {
            let inside = values[n * 4096..<(n + 1) * 4096].filter { $0 > 0 }.map(Double.init)
            let mean = inside.reduce(0, +) / Double(inside.count)
            let variance = inside.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            means.append(mean)
            #expect(
                abs((variance / Double(inside.count)).squareRoot() - 5) < 0.5, "seed \(seed)")
            // Outside is one constant, whatever else changes.
            let outside = Set(values[n * 4096..<(n + 1) * 4096].filter { $0 < 0 })
            #expect(outside.isSubset(of: [-100]), "seed \(seed): \(outside)")
        }
        #expect(means.min()! > 91.5 && means.max()! < 108.5, "seed \(seed)")
        #expect(means.min()! < 93.5 && means.max()! > 106.5, "seed \(seed)")
    }

    @Test(arguments: Seeds.few) func gainIsAboutTheLevelAndBlurStaysInTheOrgan(
        seed: UInt64
    ) throws {
        let made = try MadeOrgan(noise: 10, seed: seed)
        var settings = LesionWindowSettings().plain
        (settings.tumourChance, settings.besideChance) = (0, 0)
        let plain = try draw(windows([made], settings, seed: seed), 0..<20)
        settings.gain = Interval(1.25, 1.25)
        let gained = try draw(windows([made], settings, seed: seed), 0..<20)
        for (before, after) in zip(plain.values, gained.values) where before != -100 {
            #expect(abs((before - 100) * 1.25 - (after - 100)) < 1e-3, "seed \(seed)")
        }
        (settings.gain, settings.blur) = (Interval(1, 1), Interval(1.5, 1.5))
        let blurred = try draw(windows([made], settings, seed: seed), 0..<20)
        for (before, after) in zip(plain.values, blurred.values) {
            // Nothing of the -200 around mixes in: 40 is six deviations of the noise below.
            #expect(before == -100 ? after == -100 : after > 60, "seed \(seed)")
        }
        func spread(_ values: [Float]) -> Float {
            let inside = values.filter { $0 > 0 }
            return inside.reduce(0) { $0 + ($1 - 100) * ($1 - 100) } / Float(inside.count)
        }
        #expect(spread(blurred.values) < 0.2 * spread(plain.values), "seed \(seed)")
    }

    @Test func aWindowLargerThanTheScanIsFilled() throws {
        let made = try MadeOrgan(Extent(10, 9, 8), seed: 3)
        var settings = LesionWindowSettings()
        settings.window = Extent(24, 24, 24)
        // Nothing of this organ lies beside a core.
        settings.besideChance = 0
        let (values, known) = try draw(windows([made], settings, seed: 3), 0..<20)
        #expect(values.allSatisfy { $0.isFinite })
        #expect(known.contains { $0.label == 1 })
    }

    @Test func hostsThatHoldNoLesionAreAnError() throws {
        // A core of 6 voxels can not be filled to a quarter by lesions of at most 3 mm.
        var small = LesionLaw.even
        (small.radius, small.axes) = (Interval(3, 3), Interval(1, 1))
        small.boundary = Interval(0, 0)
        let made = try MadeOrgan(seed: 1)
        let windows = try windows([made], LesionWindowSettings(), law: small, seed: 1)
        #expect(refusedParameter { _ = try draw(windows, 0..<20) } == "hosts")
    }

    @Test func brokenArgumentsAreNamed() throws {
        let made = try MadeOrgan(Extent(12, 12, 12), seed: 1)
        func refused(_ change: (inout LesionWindowSettings) -> Void) -> String? {
            var settings = LesionWindowSettings()
            change(&settings)
            return refusedParameter { _ = try windows([made], settings, seed: 1) }
        }
        #expect(refused { _ in } == nil)
        #expect(refused { $0.window = Extent(1, 16, 16) } == "window")
        #expect(refused { $0.window = Extent(16, 257, 16) } == "window")
        #expect(refused { $0.core = Extent(5, 6, 6) } == "core")
        #expect(refused { $0.core = Extent(6, 18, 6) } == "core")
        #expect(refused { $0.tumourChance = .nan } == "tumour_chance")
        #expect(refused { $0.besideChance = 0.6 } == "beside_chance")
        #expect(refused { $0.freeShareBelow = 0.3 } == "free_share_below")
        #expect(refused { $0.freeShareBelow = 0 } == "free_share_below")
        #expect(refused { $0.gain = Interval(1.3, 0.75) } == "gain")
        #expect(refused { $0.noise = Interval(0, .infinity) } == "noise")
        #expect(refused { $0.blur = Interval(-1, 0) } == "blur")
        #expect(refused { $0.levelAt = .nan } == "level_at")
        #expect(refused { $0.outside = -3000 } == "outside")
        let none = refusedParameter { _ = try windows([], LesionWindowSettings(), seed: 1) }
        #expect(none == "hosts")
        let other = try MadeOrgan(Extent(12, 12, 12), edge: (2, 1.5, 1.5), seed: 1)
        let mixed = refusedParameter {
            _ = try windows([made, other], LesionWindowSettings(), seed: 1)
        }
        #expect(mixed == "hosts")
        let right = try windows([made], LesionWindowSettings(), seed: 1)
        var few = [Float](repeating: 0, count: 5)
        let short = refusedParameter {
            _ = try few.withUnsafeMutableBufferPointer { try right.draw(0..<2, into: $0) }
        }
        #expect(short == "values")
        let negative = refusedParameter {
            _ = try few.withUnsafeMutableBufferPointer { try right.draw(-1 ..< -1, into: $0) }
        }
        #expect(negative == "first")
    }
}
