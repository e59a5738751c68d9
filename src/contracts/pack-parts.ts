import type { PartsConfig } from './city-file.js'

/** A piece of work and how large it is. */
export interface Sized {
  readonly rows: number
  readonly bytes: number
}

/**
 * Groups small pieces of work so that one worker process takes at most one part budget; a larger piece stands alone.
 * Order is kept.
 */
export function packParts<Piece extends Sized>(pieces: readonly Piece[], budget: PartsConfig): Piece[][] {
  const packs: Piece[][] = []
  let rows = 0
  let bytes = 0
  for (const piece of pieces) {
    rows += piece.rows
    bytes += piece.bytes
    const last = packs.at(-1)
    if (last === undefined || rows > budget.maxRows || bytes > budget.maxUncompressedBytes) {
      packs.push([piece])
      rows = piece.rows
      bytes = piece.bytes
    } else last.push(piece)
  }
  return packs
}

/** Work that is worth a process of its own beside another one. */
const LANE_ROWS = 50_000

/**
 * The same for several lanes: pieces that one process could take are shared out, where that is worth more processes.
 * @param lanes 1 or more; absent: 1
 */
export function packForLanes<Piece extends Sized>(
  pieces: readonly Piece[],
  budget: PartsConfig,
  lanes = 1,
): Piece[][] {
  const rows = pieces.reduce((sum, piece) => sum + piece.rows, 0)
  const share = Math.max(LANE_ROWS, Math.ceil(rows / lanes))
  return packParts(pieces, { ...budget, maxRows: Math.min(budget.maxRows, share) })
}
