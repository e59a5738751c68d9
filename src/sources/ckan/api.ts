import type { z } from 'zod'
import type { HttpAnswer, HttpClient } from '../http/client.js'
import { readJson, unusable } from '../http/read-json.js'
import { errorIn, explainCkanFailure, meaningOf } from './failures.js'
import { parseResult } from './resource.js'

/** A request to a CKAN portal, as a page or an action makes it. */
export interface CkanRequest {
  readonly url: string
  readonly post?: { readonly contentType: string; readonly text: string }
  readonly headers?: Readonly<Record<string, string>>
  /** Statuses besides 2xx that are an answer. */
  readonly accept?: readonly number[]
}

/** Talks to one CKAN portal. */
export class CkanApi {
  /**
   * @param portal        its address, no slash at the end
   * @param token         goes to this portal only, never to another host that keeps a file
   * @param tokenVariable environment variable that holds the token, for errors
   */
  constructor(
    private readonly http: HttpClient,
    readonly portal: string,
    private readonly token: string | undefined,
    readonly tokenVariable: string,
  ) {}

  /** Address of an action with its parameters. */
  actionUrl(action: string, parameters: Readonly<Record<string, string>> = {}): string {
    const query = new URLSearchParams(parameters).toString()
    return `${this.portal}/api/3/action/${action}${query === '' ? '' : `?${query}`}`
  }

  /**
   * The result of a reading action.
   * @throws WardbookError 'source-not-found' (fix-source), 'portal-refused' (fix-config), 'portal-rejected-request' (fix-source),
   *   'portal-failed', 'portal-answer-unusable' (retry), what the client throws
   */
  async action<Shape>(
    action: string,
    parameters: Readonly<Record<string, string>>,
    shape: z.ZodType<Shape>,
  ): Promise<Shape> {
    const answer = await this.send({ url: this.actionUrl(action, parameters) })
    const json = await readJson(answer)
    const said = errorIn(json)
    if (said !== undefined) throw meaningOf(said, answer.url, this.tokenVariable)
    if (typeof json !== 'object' || json === null || (json as { success?: unknown }).success !== true)
      throw unusable(answer.url, 'is no answer of CKAN', { remedy: 'fix-source' })
    return parseResult(shape, (json as { result?: unknown }).result, answer.url)
  }

  /** Sends a request, with the token where it is the portal's own host. */
  async send({ url, post, headers, accept = [] }: CkanRequest): Promise<HttpAnswer> {
    const isOwn = new URL(url).origin === new URL(this.portal).origin
    try {
      return await this.http.send({
        url,
        accept,
        headers: { ...headers, ...(post === undefined ? {} : { 'content-type': post.contentType }) },
        ...(isOwn && this.token !== undefined ? { secretHeaders: { authorization: this.token } } : {}),
        ...(post === undefined ? {} : { body: post.text }),
      })
    } catch (thrown) {
      throw explainCkanFailure(thrown, this.tokenVariable)
    }
  }
}
