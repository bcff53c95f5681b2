import CSPARS
import SPARSABI
import Testing

/// Nothing from outside may trap: every function is called with what it must refuse.
@Suite struct CrossingABITests {
    private let invalid = Int32(SPARS_INVALID_ARGUMENT.rawValue)

    private func crossing(
        _ change: (inout spars_crossing) -> Void = { _ in }
    ) -> spars_crossing {
        var crossing = spars_crossing(scan: (2, 2, 1), grid: (4, 2, 1), frame: 0)
        change(&crossing)
        return crossing
    }

    @Test func valuesAndPlacesCross() {
        var crossing = crossing()
        var (shape, voxel) = ([Int64](repeating: 0, count: 3), [Int64](repeating: 0, count: 3))
        #expect(spars_crossing_indexed(&crossing, &shape, nil) == 0)
        #expect(shape == [4, 2, 1])
        var grid = [Float](repeating: -1, count: 8)
        #expect(spars_crossing_to_grid(&crossing, [0, 0, 4, 4], 4, &grid, 8, nil, nil) == 0)
        #expect(grid == [0, 0, 1, 1, 3, 3, 4, 4])
        var scan = [Float](repeating: -1, count: 4)
        #expect(spars_crossing_to_scan(&crossing, grid, 8, &scan, 4, nil, nil) == 0)
        #expect(scan == [0, 0, 3, 3])
        #expect(spars_crossing_voxel(&crossing, [1, 1, 0], &voxel, nil) == 0)
        #expect(voxel == [2, 1, 0])
        var corner = self.crossing { ($0.frame, $0.scan.1) = (1, 3) }
        #expect(spars_crossing_voxel(&corner, [1, 2, 0], &voxel, nil) == 0)
        #expect(voxel == [-1, -1, -1])
        var planes = [Int32](repeating: -1, count: 7)
        var (marks, total) = ([Int32](repeating: -1, count: 8), Int64(-1))
        #expect(
            spars_crossing_reference(
                &crossing, [0, 1, 0, 1], 4, &planes, 7, &marks, 8, nil, &total, nil)
                == 0)
        #expect(planes == [1, 0, 1, 0, 1, 1, 1])
        #expect(marks == [0, 1, 0, 0, 0, 1, 0, 0] && total == 2)
    }

    @Test func crossingsThatCannotBeAreRefused() {
        var shape = [Int64](repeating: 0, count: 3)
        let bad: [(inout spars_crossing) -> Void] = [
            { $0.scan.0 = 0 }, { $0.scan.1 = -1 }, { $0.grid = (.max, .max, .max) },
            { $0.grid.2 = 1 << 21 }, { $0.frame = 3 }, { $0.frame = -1 }, { $0.frame = 2 },
        ]
        for change in bad {
            var crossing = crossing(change)
            #expect(spars_crossing_indexed(&crossing, &shape, nil) == invalid)
        }
        #expect(spars_crossing_indexed(nil, &shape, nil) == invalid)
    }

    @Test func countsAndPointersAreChecked() {
        var crossing = crossing()
        var (grid, scan) = ([Float](repeating: 0, count: 8), [Float](repeating: 0, count: 4))
        var (planes, marks) = ([Int32](repeating: 0, count: 7), [Int32](repeating: 0, count: 8))
        var (total, shape) = (Int64(0), [Int64](repeating: 0, count: 3))
        for count in [0, 3, -1, Int64.max] {
            #expect(spars_crossing_to_grid(&crossing, scan, count, &grid, 8, nil, nil) == invalid)
            #expect(spars_crossing_to_grid(&crossing, scan, 4, &grid, count, nil, nil) == invalid)
            #expect(spars_crossing_to_scan(&crossing, grid, count, &scan, 4, nil, nil) == invalid)
            #expect(spars_crossing_to_scan(&crossing, grid, 8, &scan, count, nil, nil) == invalid)
            for counts in [(count, 7, 8), (4, count, 8), (4, 7, count)] as [(Int64, Int64, Int64)] {
                #expect(
                    spars_crossing_reference(
                        &crossing, scan, counts.0, &planes, counts.1, &marks, counts.2, nil, &total,
                        nil)
                        == invalid)
            }
        }
        #expect(spars_crossing_to_grid(&crossing, nil, 4, &grid, 8, nil, nil) == invalid)
        #expect(spars_crossing_to_grid(&crossing, scan, 4, nil, 8, nil, nil) == invalid)
        #expect(spars_crossing_to_scan(&crossing, nil, 8, &scan, 4, nil, nil) == invalid)
        #expect(spars_crossing_to_scan(&crossing, grid, 8, nil, 4, nil, nil) == invalid)
        #expect(spars_crossing_indexed(&crossing, nil, nil) == invalid)
        #expect(spars_crossing_voxel(&crossing, nil, &shape, nil) == invalid)
        #expect(spars_crossing_voxel(&crossing, [0, 0, 0], nil, nil) == invalid)
        for voxel in [[2, 0, 0], [0, -1, 0], [.max, .min, 0]] as [[Int64]] {
            #expect(spars_crossing_voxel(&crossing, voxel, &shape, nil) == invalid)
        }
        #expect(
            spars_crossing_reference(&crossing, nil, 4, &planes, 7, &marks, 8, nil, &total, nil)
                == invalid)
    }

    @Test func replicasAreCounted() {
        var counts = [Int64](repeating: -1, count: 2)
        #expect(spars_resize_replicas([2, 1, 1], [5, 3, 1], &counts, 2, nil) == 0)
        #expect(counts == [9, 6])
        #expect(spars_resize_replicas([2, 1, 1], [5, 3, 1], &counts, 1, nil) == invalid)
        #expect(spars_resize_replicas([2, 1, 1], [.max, 1, 1], &counts, 2, nil) == invalid)
        #expect(spars_resize_replicas([2, 1, 1], [1 << 21, 1, 1], &counts, 2, nil) == invalid)
        #expect(spars_resize_replicas([0, 1, 1], [5, 3, 1], &counts, 0, nil) == invalid)
        #expect(spars_resize_replicas(nil, [5, 3, 1], &counts, 2, nil) == invalid)
        #expect(spars_resize_replicas([2, 1, 1], [5, 3, 1], nil, 2, nil) == invalid)
    }
}
