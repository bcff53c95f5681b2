import CSPARS
import SPARSNative

/// The law, the settings and the level as C has them. Fields are copied as they are: the core checks
/// them.

extension Interval {
    fileprivate init(_ pair: (Double, Double)) { self.init(pair.0, pair.1) }
    fileprivate var pair: (Double, Double) { (low, high) }
}

extension LesionLaw {
    init(_ given: spars_lesion_law) {
        self.init()
        radius = Interval(given.radius)
        axes = Interval(given.axes)
        boundary = Interval(given.boundary)
        edge = Interval(given.edge)
        dark = Interval(given.dark)
        bright = Interval(given.bright)
        brightChance = given.bright_chance
        darkestHU = given.darkest_hu
        texture = Interval(given.texture)
        grain = Interval(given.grain)
        noiseShare = Interval(given.noise_share)
        coreChance = given.core_chance
        core = Interval(given.core)
        coreSize = Interval(given.core_size)
        rimChance = given.rim_chance
        rim = Interval(given.rim)
        rimWidth = Interval(given.rim_width)
        capsuleChance = given.capsule_chance
        capsule = Interval(given.capsule)
        capsuleWidth = Interval(given.capsule_width)
        clusterChance = given.cluster_chance
        clusterCount = Int(clamping: given.cluster_count)
        clusterRadius = Interval(given.cluster_radius)
        overVesselsChance = given.over_vessels_chance
        vesselRise = given.vessel_rise
    }
}

extension spars_lesion_law {
    init(_ law: LesionLaw) {
        self.init(
            radius: law.radius.pair, axes: law.axes.pair, boundary: law.boundary.pair,
            edge: law.edge.pair, dark: law.dark.pair, bright: law.bright.pair,
            bright_chance: law.brightChance, darkest_hu: law.darkestHU, texture: law.texture.pair,
            grain: law.grain.pair, noise_share: law.noiseShare.pair, core_chance: law.coreChance,
            core: law.core.pair, core_size: law.coreSize.pair, rim_chance: law.rimChance,
            rim: law.rim.pair, rim_width: law.rimWidth.pair, capsule_chance: law.capsuleChance,
            capsule: law.capsule.pair, capsule_width: law.capsuleWidth.pair,
            cluster_chance: law.clusterChance, cluster_count: Int64(law.clusterCount),
            cluster_radius: law.clusterRadius.pair, over_vessels_chance: law.overVesselsChance,
            vessel_rise: law.vesselRise)
    }
}

extension LesionWindowSettings {
    init(_ given: spars_lesion_window_settings) {
        self.init()
        window = Extent(given.window)
        core = Extent(given.core)
        tumourChance = given.tumour_chance
        besideChance = given.beside_chance
        tumourShareAbove = given.tumour_share_above
        freeShareBelow = given.free_share_below
        levelAt = given.level_at.isNaN ? nil : given.level_at
        outside = given.outside
        flips = given.flips != 0
        transposes = given.transposes != 0
        gain = Interval(given.gain)
        offset = Interval(given.offset)
        noise = Interval(given.noise)
        blur = Interval(given.blur)
    }
}

extension spars_lesion_window_settings {
    init(_ settings: LesionWindowSettings) {
        func axes(_ extent: Extent) -> (Int64, Int64, Int64) {
            (Int64(extent.x), Int64(extent.y), Int64(extent.z))
        }
        self.init(
            window: axes(settings.window), core: axes(settings.core),
            tumour_chance: settings.tumourChance, beside_chance: settings.besideChance,
            tumour_share_above: settings.tumourShareAbove,
            free_share_below: settings.freeShareBelow, level_at: settings.levelAt ?? .nan,
            outside: settings.outside, flips: settings.flips ? 1 : 0,
            transposes: settings.transposes ? 1 : 0, gain: settings.gain.pair,
            offset: settings.offset.pair, noise: settings.noise.pair, blur: settings.blur.pair)
    }
}

extension spars_organ_level {
    init(_ organ: OrganLevel) {
        self.init(
            level: organ.level, spread: organ.spread, noise: organ.noise, grain: organ.grain,
            voxels: Int64(organ.voxels))
    }
}
