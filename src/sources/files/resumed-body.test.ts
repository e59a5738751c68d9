import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinChunks } from '../../../testkit/chunks.js'
import { WardbookError } from '../../kernel/errors.js'
import type { HttpAnswer } from '../http/client.js'
import { resumedBody } from './resumed-body.js'

const TAG = '"v1"'

/** A server of one file, whose transfers break after so many bytes each. */
function portal(file: Buffer, breaks: readonly number[], headers: Record<string, string> = { etag: TAG }) {
  const asked: (string | undefined)[] = []
  const left = [...breaks]
  const answer = (from: number): HttpAnswer => {
    const range = { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` }
    return {
      status: from > 0 ? 206 : 200,
      url: 'https://portal.invalid/a',
      headers: new Headers({
        'content-length': String(file.length - from),
        ...headers,
        ...(from > 0 ? range : {}),
      }),
      bytes: transfer(file.subarray(from), left.shift()),
      discard: async () => undefined,
    }
  }
  const askAgain = async ({ range }: Readonly<Record<string, string>>) => {
    asked.push(range)
    return answer(Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0))
  }
  return { asked, first: () => answer(0), askAgain }
}

async function* transfer(bytes: Buffer, breakAt: number | undefined): AsyncIterable<Uint8Array> {
  const end = breakAt ?? bytes.length
  for (let at = 0; at < Math.min(end, bytes.length); at += 7) yield bytes.subarray(at, Math.min(at + 7, end))
  if (breakAt !== undefined) throw new WardbookError('portal-broke-off', 'retry', 'broke')
}

describe('a body whose transfer breaks', () => {
  it('comes whole, each byte once, wherever it breaks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.array(fc.nat(300), { maxLength: 4 }),
        fc.boolean(),
        async (bytes, breaks, tagged) => {
          const { first, askAgain } = portal(
            Buffer.from(bytes),
            breaks.map((at) => Math.min(at, Math.max(0, bytes.length - 1))),
            tagged ? { etag: TAG } : {},
          )
          expect(await joinChunks(resumedBody(first(), askAgain))).toEqual(Buffer.from(bytes))
        },
      ),
    )
  })

  it('asks for the rest alone', async () => {
    const { first, askAgain, asked } = portal(Buffer.alloc(100, 'x'), [30, 20])
    expect(await joinChunks(resumedBody(first(), askAgain))).toHaveLength(100)
    expect(asked).toEqual(['bytes=30-', 'bytes=50-'])
  })

  it.each<[string, Record<string, string>]>([
    ['its tag is weak', { etag: 'W/"v1"' }],
    ['it is compressed on the way', { etag: TAG, 'content-encoding': 'gzip' }],
  ])('is sent anew where %s', async (_why, headers) => {
    const { first, askAgain, asked } = portal(Buffer.alloc(100, 'x'), [30], headers)
    expect(await joinChunks(resumedBody(first(), askAgain))).toHaveLength(100)
    expect(asked).toEqual([undefined])
  })

  it('is not mended when the file has become shorter or another', async () => {
    for (const later of [Buffer.alloc(10, 'x'), Buffer.alloc(100, 'y')]) {
      const { first } = portal(Buffer.alloc(100, 'x'), [30], {})
      const { askAgain } = portal(later, [], {})
      await expect(joinChunks(resumedBody(first(), askAgain))).rejects.toMatchObject({
        code: 'changed-during-read',
      })
    }
  })

  it('is given up when it never gets on, with the error of the transfer', async () => {
    const { first, askAgain, asked } = portal(
      Buffer.alloc(100, 'x'),
      Array.from({ length: 50 }, () => 1),
    )
    await expect(joinChunks(resumedBody(first(), askAgain))).rejects.toMatchObject({
      code: 'portal-broke-off',
    })
    expect(asked).toHaveLength(4)
  })

  it('passes on errors that are no break', async () => {
    const { first } = portal(Buffer.alloc(100, 'x'), [1])
    const askAgain = () => Promise.reject(new WardbookError('source-not-found', 'fix-source', 'gone'))
    await expect(joinChunks(resumedBody(first(), askAgain))).rejects.toMatchObject({
      code: 'source-not-found',
    })
  })
})
