import type { HttpAnswer } from '../http/client.js'
import { readJson, unusable } from '../http/read-json.js'
import { type PortalTools, tokenOf } from '../portal-tools.js'
import type { PageRequest } from '../source.js'
import { errorIn, explainSocrataFailure, meaningOf } from './failures.js'

/** An answer that is one JSON document, with what its headers tell. */
export interface JsonAnswer {
  readonly json: unknown
  readonly url: string
  readonly headers: Headers
}

/** Talks to Socrata portals, with the token where there is one. */
export class SocrataApi {
  /** @param tokenVariable environment variable that holds the token */
  constructor(
    private readonly tools: PortalTools,
    readonly tokenVariable: string,
  ) {}

  /** Sends a request. @throws WardbookError what the client throws, with the portal's own words where it has some */
  async send({ url, post }: Pick<PageRequest, 'url' | 'post'>): Promise<HttpAnswer> {
    const token = tokenOf(this.tools, this.tokenVariable)
    try {
      return await this.tools.http.send({
        url,
        headers: { ...(post === undefined ? {} : { 'content-type': post.contentType }) },
        ...(token === undefined ? {} : { secretHeaders: { 'x-app-token': token } }),
        ...(post === undefined ? {} : { body: post.text }),
        judge: (status) => (status === 202 ? 'retry' : undefined), // still making the answer
      })
    } catch (thrown) {
      throw explainSocrataFailure(thrown, this.tokenVariable)
    }
  }

  /** The JSON of an answer. @throws WardbookError for an error object as well, whatever its status */
  async json(request: Pick<PageRequest, 'url' | 'post'>): Promise<JsonAnswer> {
    const answer = await this.send(request)
    const json = await readJson(answer)
    const said = errorIn(json)
    if (said === undefined) return { json, url: answer.url, headers: answer.headers }
    const failure = meaningOf(said, answer.url, this.tokenVariable)
    throw failure ?? unusable(answer.url, `is an error: ${said.message}`, { remedy: 'retry' })
  }
}
