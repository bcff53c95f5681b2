#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Linear algebra for wide matrices (rows, columns) of few rows, row by row in memory.
/// The same bits for any thread count.
///
/// Errors are of float64's unit by gamma(n) = n u / (1 - n u), u = 2^-53: a product is within gamma(J)
/// times the sum of its J terms' magnitudes. Factor and solution are exact for a matrix whose elements
/// differ by gamma(rows + 2) of |L| |L|', by gamma(rows + 3) of |L| |X| (N. J. Higham, Accuracy and
/// Stability of Numerical Algorithms, 2nd ed., 2002, theorems 10.3 and 8.5; one rounding more each for
/// the pivot).
public enum Orthonormalisation {
    private static let blockColumns = 2048

    /// product[i][k] += sum over j of matrix[i][j] matrix[k][j], both triangles.
    public static func addGram(
        of matrix: UnsafePointer<Double>, rows: Int, columns: Int,
        to product: UnsafeMutablePointer<Double>
    ) {
        // SAFETY: item i writes row i of the lower triangle only.
        nonisolated(unsafe) let (matrix, shares) = (matrix, product)
        Parallel.forEach(rows) { i in
            for k in 0...i where !Parallel.isStopped {
                var lanes = SIMD8<Double>.zero
                let a = UnsafeRawPointer(matrix + i * columns)
                let b = UnsafeRawPointer(matrix + k * columns)
                var j = 0
                while j + 8 <= columns {
                    lanes +=
                        a.loadUnaligned(fromByteOffset: 8 * j, as: SIMD8<Double>.self)
                        * b.loadUnaligned(fromByteOffset: 8 * j, as: SIMD8<Double>.self)
                    j += 8
                }
                var sum = lanes.sum()
                while j < columns {
                    sum += matrix[i * columns + j] * matrix[k * columns + j]
                    j += 1
                }
                shares[i * rows + k] += sum
            }
        }
        for i in 0..<rows {
            for k in 0..<i { product[k * rows + i] = product[i * rows + k] }
        }
    }

    /// Replaces a positive definite matrix by its Cholesky factor L, lower triangular with zeros
    /// above. Returns false if the matrix is not positive definite.
    public static func factorise(_ matrix: UnsafeMutablePointer<Double>, rows: Int) -> Bool {
        for i in 0..<rows {
            for k in 0...i {
                var sum = matrix[i * rows + k]
                for l in 0..<k { sum -= matrix[i * rows + l] * matrix[k * rows + l] }
                if i == k {
                    guard sum > 0 else { return false }
                    matrix[i * rows + i] = sqrt(sum)
                } else {
                    matrix[i * rows + k] = sum / matrix[k * rows + k]
                }
            }
            for k in (i + 1)..<max(rows, i + 1) { matrix[i * rows + k] = 0 }
        }
        return true
    }

    /// Replaces `matrix` by L^-1 matrix, L lower triangular (rows, rows).
    public static func solve(
        _ factor: UnsafePointer<Double>, _ matrix: UnsafeMutablePointer<Double>, rows: Int,
        columns: Int
    ) {
        // SAFETY: each item changes its own block of columns.
        nonisolated(unsafe) let (factor, matrix) = (factor, matrix)
        Parallel.forEach((columns + blockColumns - 1) / blockColumns) { block in
            let range = block * blockColumns..<min((block + 1) * blockColumns, columns)
            for i in 0..<rows {
                let row = matrix + i * columns
                for k in 0..<i {
                    let f = factor[i * rows + k]
                    let other = matrix + k * columns
                    for j in range { row[j] -= f * other[j] }
                }
                let scale = 1 / factor[i * rows + i]
                for j in range { row[j] *= scale }
            }
        }
    }
}
