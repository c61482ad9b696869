<?php
/**
 * Pairing with the backend in one step: finds it, hands over what it must know of this site, and has its tables made.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * The pairing.
 */
final class Pairing {

	/**
	 * Where a backend usually is.
	 */
	const USUAL = array( 'unix:/run/learnomy/learnomy.sock', 'http://127.0.0.1:8000' );

	/**
	 * Registers.
	 */
	public static function init(): void {
		foreach ( array( 'home', 'siteurl' ) as $option ) {
			add_action( 'update_option_' . $option, array( self::class, 'forget_facts' ) );
		}
	}

	/**
	 * Pairs with the backend at an address, else at one of the usual ones.
	 *
	 * @param string|null $address 'http://host:port', 'https://host' or 'unix:/path'.
	 * @return true|\WP_Error What to do is in the error's message.
	 */
	public static function pair( ?string $address = null ) {
		Activation::set_up_site();
		Site_Addresses::forget();
		if ( ! Channel_Keys::are_usable() ) {
			return new \WP_Error( 'learnomy_secret', __( 'LEARNOMY_SECRET is too short: give it 32 characters or more, the same here and at the backend.', 'learnomy' ) );
		}
		$problem = null;
		foreach ( self::candidates( $address ) as $candidate ) {
			$answer = self::hand_over( $candidate );
			if ( ! is_wp_error( $answer ) ) {
				return self::finish( $candidate );
			}
			// The first address was meant; only one where somebody answers tells more.
			if ( null === $problem || ( 'connect' === self::failure( $problem ) && 'connect' !== self::failure( $answer ) ) ) {
				$problem = self::explain( $answer, $candidate );
			}
		}
		return null === $problem ? new \WP_Error( 'learnomy_address', __( 'Give the address of the backend.', 'learnomy' ) ) : $problem;
	}

	/**
	 * Hands over again where something changed that the backend keeps: salts, addresses, versions.
	 */
	public static function renew_if_changed(): void {
		if ( ! Bridge_Options::is_paired() ) {
			return;
		}
		// Each site has keys of its own, which changed salts make unreadable.
		Signing_Keys::ensure();
		if ( is_main_site() && Bridge_Options::get( 'facts' ) !== self::facts() ) {
			self::pair_again();
		}
	}

	/**
	 * Hands everything over again to the backend that is paired already.
	 */
	public static function pair_again(): void {
		if ( ! is_wp_error( self::hand_over( Bridge_Options::address() ) ) ) {
			Bridge_Options::set( array( 'facts' => self::facts() ) );
		}
	}

	/**
	 * Has everything handed over again at the next chance.
	 */
	public static function forget_facts(): void {
		if ( Bridge_Options::is_paired() ) {
			Bridge_Options::set( array( 'facts' => '' ) );
		}
	}

	/**
	 * Has the backend make or renew the tables of the current site.
	 *
	 * @return true|\WP_Error
	 */
	public static function install() {
		$done = Channel::call(
			'install',
			array(),
			array(
				'class' => 'upload',
				'force' => true,
			)
		);
		return is_wp_error( $done ) ? $done : true;
	}

	/**
	 * Addresses to try, in order.
	 *
	 * @param string|null $address Given address.
	 * @return string[]
	 */
	private static function candidates( ?string $address ): array {
		if ( defined( 'LEARNOMY_BACKEND' ) ) {
			return array( Bridge_Options::address() );
		}
		$given = array( trim( (string) $address ), Bridge_Options::address() );
		$known = array();
		foreach ( array_unique( array_merge( $given, self::USUAL ) ) as $candidate ) {
			if ( preg_match( '#^(?:https?://[^/\s?\#@]+/?|unix:/[^\s]+)$#i', $candidate ) ) {
				$known[] = rtrim( $candidate, '/' );
			}
		}
		return $known;
	}

	/**
	 * Tells the backend at an address all about this site.
	 *
	 * @param string $address Address.
	 * @return array|\WP_Error
	 */
	private static function hand_over( string $address ) {
		return Channel::call(
			'pair',
			self::payload(),
			array(
				'address' => $address,
				'class'   => 'write',
				'force'   => true,
			)
		);
	}

	/**
	 * Keeps the address, and has the tables made.
	 *
	 * @param string $address Address.
	 * @return true|\WP_Error
	 */
	private static function finish( string $address ) {
		Bridge_Options::set(
			array(
				'address'   => $address,
				'paired_at' => time(),
				'facts'     => self::facts(),
			)
		);
		foreach ( self::site_ids() as $site_id ) {
			$switched = is_multisite() && get_current_blog_id() !== $site_id && switch_to_blog( $site_id );
			$done     = Activation::is_active_here() ? self::install() : true;
			if ( $switched ) {
				restore_current_blog();
			}
			if ( is_wp_error( $done ) ) {
				/* translators: %s: what the backend said. */
				return new \WP_Error( 'learnomy_install', sprintf( __( 'The backend was found, but its tables could not be made: %s', 'learnomy' ), $done->get_error_message() ) );
			}
		}
		Channel::call( 'changed', array( 'what' => array( 'site' ) ) );
		return true;
	}

	/**
	 * What the backend keeps of this site.
	 *
	 * @return array
	 */
	private static function payload(): array {
		global $wpdb;
		$blogs = array();
		foreach ( self::site_ids() as $site_id ) {
			$blogs[] = self::blog( $site_id );
		}
		return array(
			'protocol'          => (int) Channel_Keys::PROTOCOL,
			'plugin_version'    => LEARNOMY_BACKEND_VERSION,
			'backend_protocols' => array( (int) Channel_Keys::PROTOCOL ),
			'wp_version'        => get_bloginfo( 'version' ),
			'php_version'       => PHP_VERSION,
			'environment'       => wp_get_environment_type(),
			'base_prefix'       => $wpdb->base_prefix,
			'charset'           => (string) $wpdb->charset,
			'collate'           => (string) $wpdb->collate,
			'multisite'         => is_multisite(),
			'blogs'             => $blogs,
			'salts'             => array(
				'auth'        => wp_salt( 'auth' ),
				'secure_auth' => wp_salt( 'secure_auth' ),
				'logged_in'   => wp_salt( 'logged_in' ),
				'nonce'       => wp_salt( 'nonce' ),
			),
			'bridge_salt'       => Channel_Keys::bridge_salt(),
			'cookiehash'        => defined( 'COOKIEHASH' ) ? COOKIEHASH : '',
			'cookies'           => array( 'logged_in' => defined( 'LOGGED_IN_COOKIE' ) ? LOGGED_IN_COOKIE : '' ),
			'abspath'           => ABSPATH,
			'loopback'          => Bridge_Options::get( 'loopback' ),
			'subdomain_install' => is_multisite() && is_subdomain_install(),
			'main_site'         => self::main_site(),
			'uploads'           => Site_Uploads::rules(),
		) + Site_Addresses::of( self::main_site() );
	}

	/**
	 * One site of the network.
	 *
	 * @param int $site_id Site.
	 * @return array
	 */
	private static function blog( int $site_id ): array {
		global $wpdb;
		$site      = is_multisite() ? get_site( $site_id ) : null;
		$addresses = Site_Addresses::of( $site_id );
		$home      = $addresses['home'];
		$port      = wp_parse_url( $home, PHP_URL_PORT );
		return $addresses + array(
			'id'       => $site_id,
			'prefix'   => $wpdb->get_blog_prefix( $site_id ),
			'domain'   => $site ? $site->domain : (string) wp_parse_url( $home, PHP_URL_HOST ) . ( $port ? ':' . $port : '' ),
			'path'     => $site ? $site->path : trailingslashit( (string) wp_parse_url( $home, PHP_URL_PATH ) ),
			'rest_url' => get_rest_url( $site_id ),
		);
	}

	/**
	 * Changes with everything that is handed over, but for the list of sites.
	 *
	 * @return string
	 */
	private static function facts(): string {
		$facts = array(
			LEARNOMY_BACKEND_VERSION,
			get_bloginfo( 'version' ),
			PHP_VERSION,
			wp_get_environment_type(),
			Channel_Keys::bridge_salt(),
			wp_salt( 'auth' ),
			wp_salt( 'secure_auth' ),
			wp_salt( 'logged_in' ),
			wp_salt( 'nonce' ),
			implode( ' ', Site_Addresses::of( self::main_site() ) ),
			rest_get_url_prefix(),
			Bridge_Options::address(),
			Bridge_Options::secret(),
			Bridge_Options::get( 'loopback' ),
			(string) wp_json_encode( Site_Uploads::rules() ),
		);
		return hash( 'sha256', implode( "\n", $facts ) );
	}

	/**
	 * Sites that the backend serves.
	 *
	 * @return int[]
	 */
	private static function site_ids(): array {
		if ( ! is_multisite() ) {
			return array( get_current_blog_id() );
		}
		return array_map(
			'intval',
			get_sites(
				array(
					'fields'     => 'ids',
					'number'     => 0,
					'network_id' => get_current_network_id(),
				)
			)
		);
	}

	/**
	 * The network's main site.
	 *
	 * @return int
	 */
	private static function main_site(): int {
		return is_multisite() ? get_main_site_id() : get_current_blog_id();
	}

	/**
	 * Why there was no answer.
	 *
	 * @param \WP_Error $error Error.
	 * @return string
	 */
	private static function failure( \WP_Error $error ): string {
		$data = $error->get_error_data();
		return is_array( $data ) && isset( $data['failure'] ) ? (string) $data['failure'] : '';
	}

	/**
	 * An error that says what to do.
	 *
	 * @param \WP_Error $error   Error of the channel.
	 * @param string    $address Address that was tried.
	 * @return \WP_Error
	 */
	private static function explain( \WP_Error $error, string $address ): \WP_Error {
		$failure = self::failure( $error );
		$said    = $error->get_error_message();
		$code    = '' === $failure ? (string) $error->get_error_code() : $said;
		/* translators: %s: address. */
		$text = __( 'Nothing answers at %s. Start the backend there, or give its address.', 'learnomy' );
		if ( 'bridge_forbidden' === $code ) {
			/* translators: %s: address. */
			$text = __( 'The backend at %s has another secret: it must read this site\'s database, or have the same LEARNOMY_SECRET.', 'learnomy' );
		} elseif ( 'bridge_stale' === $code ) {
			/* translators: %s: address. */
			$text = __( 'The clock of the backend at %s and this one differ by more than a minute. Set both by NTP.', 'learnomy' );
		} elseif ( 'bridge_protocol' === $code ) {
			/* translators: %s: address. */
			$text = __( 'The backend at %s and this plugin are too far apart. Update the older of them.', 'learnomy' );
		} elseif ( 'timeout' === $failure ) {
			/* translators: %s: address. */
			$text = __( 'The backend at %s did not answer in time. See its log.', 'learnomy' );
		} elseif ( 'garbage' === $failure || 'refused' === $failure ) {
			/* translators: %s: address. */
			$text = __( 'What answers at %s is not Learnomy\'s backend, or not one for this site.', 'learnomy' );
		} elseif ( '' === $failure ) {
			/* translators: 1: address, 2: what the backend said. */
			return new \WP_Error( 'learnomy_pairing', sprintf( __( 'The backend at %1$s refused: %2$s', 'learnomy' ), $address, $said ), array( 'failure' => $failure ) );
		}
		return new \WP_Error( 'learnomy_pairing', sprintf( $text, $address ), array( 'failure' => $failure ) );
	}
}
