import CSPARS
import SPARSNative
import SPARSPhantom

@_cdecl("spars_phantom_make")
public func sparsPhantomMake(
    _ hu: Out<Float>, _ tissue: Out<UInt8>, _ drawnLiver: Out<UInt8>, _ extent: In<Int64>,
    _ configuration: In<spars_phantom_configuration>, _ progress: In<spars_control>,
    _ tumours: Out<spars_phantom_tumours>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let extent = try checkedExtent(extent, "shape", of: owner)
        let given = try checkedStruct(configuration, "configuration", of: owner)
        let hu = try checkedOutput(hu, extent.count, "hu", of: owner)
        let tissue = try checkedOutput(tissue, extent.count, "tissue", of: owner)
        let drawnLiver = try checkedOutput(
            drawnLiver, extent.count, "drawn_liver", of: owner)
        let tumours = try checkedOutput(tumours, 1, "tumours", of: owner)
        let wanted = try given.checked(extent)
        try Memory.require(extent.count, each: 24, for: "A phantom")
        let phantom = try Phantom(wanted)
        _ = hu.update(fromContentsOf: phantom.hu)
        for (i, code) in phantom.tissue.enumerated() { tissue[i] = code.rawValue }
        _ = drawnLiver.update(fromContentsOf: phantom.drawnLiver)
        tumours[0] = spars_phantom_tumours(phantom.tumours, wanted)
    }
}

private let owner = "phantom"

extension spars_phantom_configuration {
    fileprivate func checked(_ extent: Extent) throws(SPARSError) -> PhantomConfiguration {
        guard has_tumour == 0 || has_tumour == 1 else {
            throw .range("has_tumour", of: owner, mustBe: "0 or 1", got: has_tumour)
        }
        guard varied == 0 || varied == 1 else {
            throw .range("varied", of: owner, mustBe: "0 or 1", got: varied)
        }
        return try PhantomConfiguration(
            seed: seed, extent: extent, spacing: SIMD3(spacing.0, spacing.1, spacing.2),
            hasTumour: has_tumour == 1, noise: noise,
            tumourCount: tumour_count == 0 ? nil : Int(tumour_count),
            tumourContrast: tumour_contrast.isNaN ? nil : tumour_contrast,
            tumourRadius: tumour_radius.isNaN ? nil : tumour_radius, isVaried: varied == 1)
    }
}

extension spars_phantom_tumours {
    fileprivate init(_ found: [PhantomTumour], _ configuration: PhantomConfiguration) {
        self.init()
        total = Int64(found.count)
        withUnsafeMutableBytes(of: &tumours) { bytes in
            let places = bytes.bindMemory(to: spars_phantom_tumour.self)
            for (i, tumour) in found.enumerated() {
                places[i] = spars_phantom_tumour(tumour, configuration)
            }
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
