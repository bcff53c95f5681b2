import SPARSKernelTable

/// This build's kernels.
public func makeKernelTable() -> KernelTable {
    KernelTable(
        first: FirstKernelTable(
            transformRow: transformFirstRow, transformPairs: transformFirstPairs,
            pooled: firstPooled, pooledChoice: firstPooledChoice,
            interleavePlanes: interleavePlanes, weightGradient: firstWeightGradient),
        row: convolutionRow, dense: denseBlock,
        maxOfRows: maxOfRows, poolMax: poolMax, poolChoice: poolChoice,
        weightGradientRow: weightGradientRow,
        inputGradientRow: inputGradientRow, correlateRows: correlateRows,
        correlateLags: correlateLags,
        channelSums: channelSums,
        channelSquares: channelSquares, affineRow: affineRow, subsetProducts: subsetProducts,
        combineRepeats: combineRepeats, addScaled: addScaled,
        repeats: RepeatKernelTable(
            poolChoice: poolChoiceOfRepeats, scatter: scatterToRepeats, fold: foldRepeats,
            subsetGradients: subsetGradients),
        policyFloat: PolicyKernelTable(
            multiply: { multiplyTile($0) }, gradient: { gradientTile($0, $1, $2) },
            gram: { gramTile($0) },
            descend: { descendTile($0) }, move: { moveTile($0) }, dense: { denseForward($0) },
            denseBack: { denseBackward($0) }),
        policyDouble: PolicyKernelTable(
            multiply: { multiplyTile($0) }, gradient: { gradientTile($0, $1, $2) },
            gram: { gramTile($0) },
            descend: { descendTile($0) }, move: { moveTile($0) }, dense: { denseForward($0) },
            denseBack: { denseBackward($0) }))
}
