import CSPARS
import SPARSNative
import SPARSPhantom

@_cdecl("spars_phantom_make")
public func sparsPhantomMake(
    _ configuration: In<spars_phantom_configuration>, _ hu: Out<Float>, _ tissue: Out<UInt8>,
    _ count: Int64, _ tumours: Out<spars_phantom_tumour>, _ tumourCount: Out<Int64>,
    _ control: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, control) { () throws(SPARSError) in
        let given = try checkedInput(configuration, 1, "configuration", of: "phantom")[0]
        let extents = [given.extent.0, given.extent.1, given.extent.2]
        let voxels = try checkedCount(extents, "shape", of: "phantom")
        guard count == voxels else {
            throw .range("count", of: "phantom", mustBe: "the product of the shape", got: count)
        }
        let hu = try checkedOutput(hu, voxels, "hu", of: "phantom")
        let tissue = try checkedOutput(tissue, voxels, "tissue", of: "phantom")
        let tumours = try checkedOutput(
            tumours, PhantomConfiguration.countRange.upperBound, "tumours", of: "phantom")
        let tumourCount = try checkedOutput(tumourCount, 1, "tumour_count", of: "phantom")
        let wanted = try given.checked
        let phantom = try Phantom(wanted)
        _ = hu.update(fromContentsOf: phantom.hu)
        for (i, code) in phantom.tissue.enumerated() { tissue[i] = code.rawValue }
        for (i, tumour) in phantom.tumours.enumerated() {
            tumours[i] = spars_phantom_tumour(tumour, wanted)
        }
        tumourCount[0] = Int64(phantom.tumours.count)
    }
}

@_cdecl("spars_phantom_tissue_name")
public func sparsPhantomTissueName(_ code: Int64) -> In<CChar> {
    guard let code = UInt8(exactly: code), let tissue = Tissue(rawValue: code) else { return nil }
    return tissueNames[Int(tissue.rawValue)]
}

private nonisolated(unsafe) let tissueNames: [UnsafePointer<CChar>] = Tissue.allCases.map {
    lastingCString($0.name)
}

extension spars_phantom_configuration {
    fileprivate var checked: PhantomConfiguration {
        get throws(SPARSError) {
            guard has_tumour == 0 || has_tumour == 1 else {
                throw .range("has_tumour", of: "phantom", mustBe: "0 or 1", got: has_tumour)
            }
            return try PhantomConfiguration(
                seed: seed, extent: Extent(Int(extent.0), Int(extent.1), Int(extent.2)),
                spacing: SIMD3(spacing.0, spacing.1, spacing.2), hasTumour: has_tumour == 1,
                noise: noise, tumourCount: tumour_count == 0 ? nil : Int(tumour_count),
                tumourContrast: tumour_contrast.isNaN ? nil : tumour_contrast,
                tumourRadius: tumour_radius.isNaN ? nil : tumour_radius)
        }
    }
}

extension spars_phantom_tumour {
    fileprivate init(_ tumour: PhantomTumour, _ configuration: PhantomConfiguration) {
        self.init()
        func voxel(_ axis: Int) -> Double {
            Double(tumour.centre[axis]) / configuration.spacing[axis]
                + Double(configuration.extent[axis] - 1) / 2
        }
        centre = (voxel(0), voxel(1), voxel(2))
        radius = Double(tumour.radius)
        contrast = Double(tumour.contrast)
        necrosis = Double(tumour.necrosis)
        rim = Double(tumour.rim)
    }
}
