import SPARSNative

/// How one liver differs from the even one of the portal venous phase: when the scan was taken, the
/// small vessels that it shows, slow changes of density, and who drew its mask.
///
/// Measured on 28 livers of patients at 1.5 mm: the smoothed core lies 4 to 13 HU around its level
/// (robust standard deviation, median 6.5), where an even phantom's lies 2.5 to 4. Vessels are
/// brighter than the organ in most scans and darker before contrast medium reaches them, when they
/// are taken for lesions most easily.
struct LiverVariation {
    /// Waves of density: HU and 1 / mm.
    struct Wave {
        let amplitude: Float
        let frequency: Float
        let offset: Float
    }

    /// Curves where two smooth noises vanish together, which branch and wind as small vessels do.
    struct Twigs {
        /// HU against the liver on the curve itself.
        let rise: Float
        /// In standard deviations of the noises.
        let width: Float
        let frequency: Float
        let offset: Float
    }

    /// HU of the vessels within the liver, against the liver.
    let portalRise: Float
    let venousRise: Float
    let waves: [Wave]
    let twigs: [Twigs]
    /// mm that the drawn border lies outside the true one: everywhere, and up to how much more here
    /// and there.
    let drawnOffset: Float
    let drawnWave: Wave

    init(_ source: RandomSource) {
        var source = source
        func draw(_ low: Float, _ high: Float) -> Float {
            Float(source.uniform(Double(low), Double(high)))
        }
        /// Of the portal venous phase, of the late arterial one, and without contrast medium.
        let phase = draw(0, 1)
        let twigRise: (Float, Float)
        if phase < 0.6 {
            portalRise = draw(25, 90)
            venousRise = portalRise - draw(0, 25)
            twigRise = (15, 60)
        } else if phase < 0.8 {
            portalRise = draw(0, 40)
            venousRise = draw(-40, -5)
            twigRise = (-28, 25)
        } else {
            portalRise = draw(-28, -8)
            venousRise = portalRise + draw(-4, 4)
            twigRise = (-28, -5)
        }
        twigs = (0..<1 + source.integer(below: 3)).map { _ in
            Twigs(
                rise: draw(twigRise.0, twigRise.1), width: draw(0.08, 0.2),
                frequency: 1 / draw(10, 25), offset: draw(0, 30))
        }
        waves = (0..<2).map { _ in
            Wave(amplitude: draw(2, 13), frequency: 1 / draw(8, 40), offset: draw(0, 30))
        }
        drawnOffset = draw(-0.5, 1.2)
        drawnWave = Wave(
            amplitude: draw(1, 4), frequency: 1 / draw(6, 18), offset: draw(0, 30))
    }
}

/// Paints a variation into a liver and its vessels.
struct VariationPainter: Structure {
    let variation: LiverVariation
    let texture: SmoothNoise
    let bounds: Box
    /// `SmoothNoise`'s.
    private static let deviation: Float = 0.31

    init(_ variation: LiverVariation, _ patient: Patient) {
        self.variation = variation
        texture = patient.noise
        bounds = patient.liver.bounds
    }

    func paint(_ row: inout Row, _ range: Range<Int>) {
        for k in range {
            let isVessel = row.tissue[k] == .hepaticVessel
            guard isVessel || row.tissue[k] == .liver else { continue }
            let p = row.points[k]
            for wave in variation.waves {
                row.hu[k] += wave.amplitude * texture(p * wave.frequency + wave.offset)
            }
            if isVessel { continue }
            for twigs in variation.twigs {
                let q = p * twigs.frequency + twigs.offset
                let scale = 1 / (Self.deviation * twigs.width)
                let a = texture(q) * scale
                let b = texture(q + 11.63) * scale
                row.hu[k] += twigs.rise * gaussian(a * a + b * b)
            }
        }
    }

    /// exp(-x / 2), 0 beyond 4 standard deviations.
    private func gaussian(_ x: Float) -> Float {
        // (1 - x / 16)^8 is within 0.04 of it and needs no library.
        if x >= 16 { return 0 }
        var y = 1 - x / 16
        y *= y
        y *= y
        return y * y
    }
}

/// The liver's mask as its reader drew it.
struct DrawnLiver {
    let liver: Liver
    let texture: SmoothNoise
    let variation: LiverVariation

    /// Whether a voxel at `p` that shows `tissue` was taken for liver.
    func holds(_ p: Point, _ tissue: Tissue) -> Bool {
        if tissue == .hepaticVessel || tissue == .tumour { return true }
        let wave = variation.drawnWave
        let error =
            variation.drawnOffset
            + wave.amplitude * texture(p * wave.frequency + wave.offset)
        return liver.distance(p) <= error
    }
}
