/** Names of query parameters that carry a secret, lower case, without leading `$`. */
const SECRET_NAMES: readonly string[] = [
  'app_token',
  'token',
  'apikey',
  'api_key',
  'access_token',
  'key',
  'signature',
  'sig',
]

/** An address as records and errors may show it: secrets in its query and user part become `…`. */
export function withoutSecrets(url: string): string {
  if (!URL.canParse(url)) return url
  const shown = new URL(url)
  if (shown.username !== '' || shown.password !== '') {
    shown.username = ''
    shown.password = ''
  }
  const secret = [...shown.searchParams.keys()].filter((name) => isSecret(name))
  if (secret.length === 0 && shown.href === new URL(url).href) return url
  for (const name of secret) shown.searchParams.set(name, '…')
  return shown.href
}

function isSecret(name: string): boolean {
  return (
    SECRET_NAMES.includes(name.replace(/^\$+/, '').toLowerCase()) ||
    /^x-amz-(signature|credential|security-token)$/i.test(name)
  )
}
