import CSPARS
import SPARSABI
import Testing

/// Nothing from outside may trap: every function is called with what it must refuse.
@Suite struct WorkingABITests {
    private let invalid = Int32(SPARS_INVALID_ARGUMENT.rawValue)

    private func grid(
        _ change: (inout spars_working_grid) -> Void = { _ in }
    ) -> spars_working_grid {
        var grid = spars_working_grid(box: (2, 1, 1), spacing: (1, 1, 2), margin: 0, step: 1)
        change(&grid)
        return grid
    }

    @Test func anOrganCrossesAndAMapComesBack() {
        var grid = grid()
        var layout = spars_working_layout()
        #expect(spars_working_grid_layout(&grid, &layout, nil) == 0)
        #expect(layout.shape == (2, 1, 2) && layout.before == (0, 0, 0))
        #expect(layout.covered == (2, 1, 1))
        var working = [Float](repeating: 0, count: 4)
        var mask = [UInt8](repeating: 9, count: 4)
        #expect(
            spars_working_grid_fill(
                &grid, [5, .nan], [1, 0], 2, -9, &working, &mask, 4, nil, nil) == 0)
        // A quarter of a slice's kernel lies beyond the box.
        #expect(working == [5, 5, -9, -9] && mask == [1, 1, 0, 0])
        var scan = [Float](repeating: -1, count: 2)
        #expect(spars_working_grid_to_scan(&grid, [1, 3, 5, 9], 4, &scan, 2, nil, nil) == 0)
        #expect(scan == [2, 7])
    }

    @Test func gridsThatCannotBeAreRefused() {
        var layout = spars_working_layout()
        let bad: [(inout spars_working_grid) -> Void] = [
            { $0.box.0 = 0 }, { $0.box.1 = -1 }, { $0.box = (.max, .max, .max) },
            { $0.box.2 = 1 << 21 }, { $0.spacing.0 = 0.05 }, { $0.spacing.1 = .nan },
            { $0.spacing.2 = .infinity }, { $0.margin = -1 }, { $0.margin = .nan },
            { $0.margin = 501 }, { $0.step = 0 }, { $0.step = .nan }, { $0.step = 51 },
            { ($0.box, $0.step) = ((1 << 20, 1 << 10, 1), 0.1) },
            { ($0.box, $0.spacing) = ((1 << 20, 1 << 20, 1), (50, 50, 50)) },
        ]
        for change in bad {
            var grid = grid(change)
            #expect(spars_working_grid_layout(&grid, &layout, nil) == invalid)
        }
        #expect(spars_working_grid_layout(nil, &layout, nil) == invalid)
        var good = grid()
        #expect(spars_working_grid_layout(&good, nil, nil) == invalid)
    }

    @Test func countsAndPointersAreChecked() {
        var grid = grid()
        var working = [Float](repeating: 0, count: 4)
        var mask = [UInt8](repeating: 0, count: 4)
        var scan: [Float] = [0, 0]
        let (values, organ): ([Float], [UInt8]) = ([1, 2], [1, 1])
        for (count, room) in [(Int64(1), Int64(4)), (2, 3), (-1, 4), (2, .max)] {
            #expect(
                spars_working_grid_fill(
                    &grid, values, organ, count, 0, &working, &mask, room, nil, nil) == invalid)
        }
        #expect(
            spars_working_grid_fill(&grid, nil, organ, 2, 0, &working, &mask, 4, nil, nil)
                == invalid)
        #expect(
            spars_working_grid_fill(&grid, values, nil, 2, 0, &working, &mask, 4, nil, nil)
                == invalid)
        #expect(
            spars_working_grid_fill(&grid, values, organ, 2, 0, nil, &mask, 4, nil, nil) == invalid)
        #expect(
            spars_working_grid_fill(&grid, values, organ, 2, .nan, &working, &mask, 4, nil, nil)
                == invalid)
        #expect(
            spars_working_grid_fill(
                &grid, [1, .infinity], organ, 2, 0, &working, &mask, 4, nil, nil)
                == Int32(SPARS_NOT_FINITE.rawValue))
        #expect(spars_working_grid_to_scan(&grid, working, 3, &scan, 2, nil, nil) == invalid)
        #expect(spars_working_grid_to_scan(&grid, working, 4, &scan, 1, nil, nil) == invalid)
        #expect(spars_working_grid_to_scan(&grid, nil, 4, &scan, 2, nil, nil) == invalid)
        #expect(spars_working_grid_to_scan(nil, working, 4, &scan, 2, nil, nil) == invalid)
    }
}
