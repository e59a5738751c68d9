import { MAX_PARTS } from './settings.js'

/** One part of an upload: bytes [from, to) of the file. */
export interface PlannedPart {
  /** From 1, without gaps. */
  readonly number: number
  readonly from: number
  readonly to: number
}

/** How a file is cut for a multipart upload. */
export interface PartsPlan {
  /** Bytes of every part but the last, which may be shorter. */
  readonly partBytes: number
  readonly parts: readonly PlannedPart[]
}

/**
 * Cuts a file into parts of one size.
 * @param size        bytes of the file (≥ 1)
 * @param wantedBytes bytes of a part (≥ 1); more where {@link MAX_PARTS} parts would not suffice
 */
export function planParts(size: number, wantedBytes: number): PartsPlan {
  const partBytes = Math.max(wantedBytes, Math.ceil(size / MAX_PARTS))
  const parts = Array.from({ length: Math.ceil(size / partBytes) }, (_, index) => ({
    number: index + 1,
    from: index * partBytes,
    to: Math.min(size, (index + 1) * partBytes),
  }))
  return { partBytes, parts }
}
