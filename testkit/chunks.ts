import fc from 'fast-check'

/** Bytes in pieces, as a network delivers them. @param sizes sizes of the pieces, taken over and over; none: all at once */
export async function* inChunks(bytes: Uint8Array, sizes: readonly number[] = []): AsyncIterable<Uint8Array> {
  if (sizes.length === 0) {
    yield bytes
    return
  }
  for (let from = 0, piece = 0; from < bytes.length; piece++) {
    const to = from + (sizes[piece % sizes.length] as number)
    yield bytes.subarray(from, to)
    from = to
  }
}

/** Sizes of pieces: tiny ones, which cut between any two bytes, and larger ones. */
export const anyChunking = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 5, max: 400 })),
  { minLength: 1, maxLength: 8 },
)

export async function joinChunks(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(Buffer.from(chunk))
  return Buffer.concat(all)
}
