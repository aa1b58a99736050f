/** An access token (RFC 9068), decoded for display only: its signature is not verified here. */

export type Kind = "USER" | "STAFF" | "PARTNER";

interface Claims {
  sub: string;
  kind: Kind;
  scope?: string;
  client_id?: string;
}

export class AccessToken {
  readonly subject: string;
  readonly kind: Kind;
  readonly scopes: string[];
  readonly clientId: string;
  private readonly end: number;

  constructor(
    readonly text: string,
    expiresIn: number,
  ) {
    const claims = claimsOf(text);
    this.subject = claims.sub;
    this.kind = claims.kind;
    this.scopes = claims.scope ? claims.scope.split(" ") : [];
    this.clientId = claims.client_id ?? claims.sub;
    this.end = Date.now() + expiresIn * 1000;
  }

  /** The rest of its lifetime, in milliseconds. */
  left(): number {
    return this.end - Date.now();
  }
}

function claimsOf(text: string): Claims {
  const payload = (text.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
  const bytes = Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes)) as Claims;
}
