/** A key and a certificate for localhost that nobody trusts: they are public, and for tests alone. */
export const TLS: { readonly key: string; readonly cert: string } = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgq9jMVCcBdR4w8Llp
CTv95wKMIZvRO1HIhmfwDanvokihRANCAASwWaK8N8akbK6RaDg6NcDPoq+jPi9r
vQykHbcXLw3F2WGo/Qq8Y821Uc5ZbYjREeqyMJy2GXQX+kgSp6528cZf
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIULwutP/0BUP6l9rdncbDExJZVBVQwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzE4MjYxMloYDzIxMjYxMDMw
MTgyNjEyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASwWaK8N8akbK6RaDg6NcDPoq+jPi9rvQykHbcXLw3F2WGo/Qq8Y821
Uc5ZbYjREeqyMJy2GXQX+kgSp6528cZfo28wbTAdBgNVHQ4EFgQUAdpqhRtjGCgu
ijK+6K5SVqMvbccwHwYDVR0jBBgwFoAUAdpqhRtjGCguijK+6K5SVqMvbccwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhAJnhEerAxT7v5KTOa2U8vE61ph0jRx5Y0mwEcOIcFA9TAiBe
mGKaUW0s6GhwURx83AZMebz6o1kbwjf+FqGFp0SLmA==
-----END CERTIFICATE-----
`,
};
