import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyChunking, inChunks, joinChunks } from '../../../testkit/chunks.js'
import { WardbookError } from '../../kernel/errors.js'
import { decompress } from './decompress.js'

const BODY = Buffer.from('id,District\n'.repeat(5_000))

describe('decompressing', () => {
  it('gives any bytes back, plain or gzip of one or several members, cut into any chunks', async () => {
    const anyBytes = fc.uint8Array({ maxLength: 400 }).filter(([a, b]) => a !== 0x1f || b !== 0x8b)
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyBytes, { maxLength: 4 }),
        fc.boolean(),
        anyChunking,
        async (members, zipped, chunks) => {
          const plain = Buffer.concat(members)
          fc.pre(plain[0] !== 0x1f)
          const sent = zipped ? Buffer.concat(members.map((member) => gzipSync(member))) : plain
          expect((await joinChunks(decompress(inChunks(sent, chunks), 'a.csv'))).equals(plain)).toBe(true)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('names the byte where a truncated gzip file ends, wherever it was cut', async () => {
    const whole = gzipSync(BODY)
    for (const length of [3, 10, 20, whole.length - 8, whole.length - 1]) {
      const error = await joinChunks(decompress(inChunks(whole.subarray(0, length), [7]), 'a.csv.gz')).catch(
        (e) => e,
      )
      expect(error).toMatchObject({
        code: 'gzip-truncated',
        remedy: 'fix-source',
        facts: { file: 'a.csv.gz', byteOffset: length },
      })
    }
  })

  it('refuses a damaged gzip file', async () => {
    for (const place of [30, -6]) {
      const damaged = Buffer.from(gzipSync(BODY))
      const at = place < 0 ? damaged.length + place : place
      damaged[at] = (damaged[at] as number) ^ 0xff
      await expect(joinChunks(decompress(inChunks(damaged), 'a.csv.gz'))).rejects.toMatchObject({
        code: expect.stringMatching(/^gzip-(broken|truncated)$/),
        remedy: 'fix-source',
      })
    }
  })

  it('passes the error of a broken transfer on as it is', async () => {
    async function* breaking() {
      yield gzipSync(BODY).subarray(0, 30)
      throw new WardbookError('portal-broke-off', 'retry', 'cut')
    }
    await expect(joinChunks(decompress(breaking(), 'a.csv.gz'))).rejects.toMatchObject({
      code: 'portal-broke-off',
    })
  })
})

describe('a reader that has enough', () => {
  it.each([
    ['plain', Buffer.from('a,b\n'.repeat(100_000))],
    ['gzip', gzipSync(Buffer.from('a,b\n'.repeat(100_000)))],
  ])('ends the bytes below, %s', async (_what, bytes) => {
    let isClosed = false
    async function* pieces() {
      try {
        for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100)
      } finally {
        isClosed = true
      }
    }
    for await (const _piece of decompress(pieces(), 'a.csv')) break
    await expect.poll(() => isClosed).toBe(true)
  })
})
