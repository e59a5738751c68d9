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
