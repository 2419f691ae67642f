"use strict";

const SIGN_INS = ["/api/auth/login", "/api/auth/refresh"];

const ui = SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  responseInterceptor: (response) => {
    if (response.ok && SIGN_INS.includes(new URL(response.url).pathname)) {
      ui.preauthorizeApiKey("bearer", response.body.access_token);
    }
    return response;
  },
});

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();
