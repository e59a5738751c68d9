import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { directFetch, type FetchInit } from './direct-fetch.js'

describe('the direct client', () => {
  let server: Server | undefined
  afterEach(() => {
    server?.closeAllConnections()
    server?.close()
  })

  async function portal(listener: RequestListener): Promise<string> {
    server = createServer(listener).listen(0, '127.0.0.1')
    await new Promise((resolve) => server?.once('listening', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  }

  const get = (url: string, change: Partial<FetchInit> = {}) =>
    directFetch(url, {
      ...{ method: 'GET', headers: {}, redirect: 'manual', signal: new AbortController().signal },
      ...change,
    })

  async function textOf(body: AsyncIterable<Uint8Array> | null): Promise<string> {
    const pieces: Uint8Array[] = []
    for await (const piece of body ?? []) pieces.push(piece)
    return Buffer.concat(pieces).toString()
  }

  it.each([
    ['gzip', gzipSync('a,b\n1,2\n')],
    ['br', brotliCompressSync('a,b\n1,2\n')],
    ['deflate', deflateSync('a,b\n1,2\n')],
    ['GZIP', gzipSync('a,b\n1,2\n')],
  ])('undoes a transfer in %s', async (encoding, bytes) => {
    const url = await portal((_request, response) =>
      response.setHeader('content-encoding', encoding).end(bytes),
    )
    expect(await textOf((await get(url)).body)).toBe('a,b\n1,2\n')
  })

  it('fails where a compressed transfer is cut off, however well it seemed to end', async () => {
    const whole = gzipSync('a,b\n1,2\n'.repeat(1_000))
    const url = await portal((_request, response) =>
      response.setHeader('content-encoding', 'gzip').end(whole.subarray(0, whole.length - 12)),
    )
    await expect(get(url).then(({ body }) => textOf(body))).rejects.toThrow('unexpected end of file')
  })

  it('fails where the connection breaks in the body', async () => {
    const url = await portal((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('a,b\n', () => response.destroy())
    })
    await expect(get(url).then(({ body }) => textOf(body))).rejects.toThrow('aborted')
  })

  it('fails where the connection breaks before anybody reads the body, compressed or not', async () => {
    for (const encoding of ['identity', 'gzip']) {
      let broken: () => void = () => {}
      const isBroken = new Promise<void>((resolve) => {
        broken = resolve
      })
      const url = await portal((_request, response) => {
        response.writeHead(200, { 'content-encoding': encoding })
        response.write(gzipSync('a,b\n'.repeat(1_000)), () => setTimeout(() => response.destroy(), 20))
        response.once('close', () => setTimeout(broken, 50))
      })
      const { body } = await get(url)
      await isBroken
      await expect(textOf(body), encoding).rejects.toThrow('aborted')
      server?.close()
    }
  }, 10_000)

  it('gives status, headers and no body where there is none', async () => {
    const url = await portal((request, response) => {
      response.writeHead(request.method === 'HEAD' ? 200 : 204, { etag: '"x"', 'content-encoding': 'gzip' })
      response.end()
    })
    const head = await get(url, { method: 'HEAD' })
    expect([head.ok, head.status, head.headers.get('etag'), head.body]).toEqual([true, 200, '"x"', null])
    expect((await get(url)).body).toBeNull()
  })

  it('follows no redirect, and sends method, headers and body as they are', async () => {
    const url = await portal(async (request, response) => {
      const body = await textOf(request)
      response
        .writeHead(302, { location: '/b' })
        .end(`${request.method} ${request.headers['x-token']} ${body}`)
    })
    const answer = await get(url, { method: 'POST', headers: { 'x-token': 't' }, body: 'asked' })
    expect([answer.ok, answer.status, answer.headers.get('location')]).toEqual([false, 302, '/b'])
    expect(await textOf(answer.body)).toBe('POST t asked')
  })

  it('fails with the reason of an abort, before and within the body', async () => {
    const url = await portal((request, response) => {
      if (request.url === '/') response.writeHead(200).write('a')
    })
    for (const path of ['silent', '']) {
      const controller = new AbortController()
      const reason = new Error('silent for too long')
      const reading = get(`${url}${path}`, { signal: controller.signal }).then(({ body }) => textOf(body))
      setTimeout(() => controller.abort(reason), 50)
      await expect(reading).rejects.toBe(reason)
    }
  })

  it('makes a kept connection anew when the portal has closed it', async () => {
    let requests = 0
    const url = await portal((request, response) => {
      requests += 1
      if (requests === 2) request.socket.destroy()
      else response.end('a')
    })
    expect(await textOf((await get(url)).body)).toBe('a')
    expect(await textOf((await get(url)).body)).toBe('a')
    expect(requests).toBe(3)
  })

  it('refuses what is no address of the web', async () => {
    await expect(get('file:///etc/hostname')).rejects.toThrow()
  })
})
