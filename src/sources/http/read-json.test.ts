import { describe, expect, it } from 'vitest'
import { readJson } from './read-json.js'

function answer(...pieces: string[]) {
  const url = 'https://portal.example.gov/x'
  const bytes = (async function* () {
    for (const piece of pieces) yield Buffer.from(piece)
  })()
  return { url, bytes, status: 200, headers: new Headers(), discard: async () => undefined }
}

describe('an answer that is one JSON document', () => {
  it('is read whatever the pieces, with or without a byte order mark', async () => {
    expect(await readJson(answer('\uFEFF{"a":', ' [1]}'))).toEqual({ a: [1] })
  })

  it.each([
    ['<html>Log in</html>', /is a web page/],
    ['', /is empty/],
    ['{"a":', /is broken JSON/],
  ])('is an error to try again when it is %j', async (body, message) => {
    const failed = readJson(answer(body))
    await expect(failed).rejects.toThrow(message)
    await expect(failed).rejects.toMatchObject({
      code: 'portal-answer-unusable',
      remedy: 'retry',
      facts: { start: body },
    })
  })

  it('is refused when it is longer than metadata ever is', async () => {
    await expect(readJson(answer('[1,', '2]'), 4)).rejects.toMatchObject({ remedy: 'fix-source' })
  })
})
